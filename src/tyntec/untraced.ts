/**
 * The part of OpenTelemetry's context manager that is used here. The one that an app registers is found
 * where every copy of `@opentelemetry/api` 1.x looks for it. So nothing has to be imported, and it does
 * not matter which copy the app has, where it is, or when it was loaded.
 */
interface ContextManager {
  active(): Context
  with<T>(context: Context, run: () => T): T
}

interface Context {
  setValue(key: symbol, value: unknown): Context
}

const api = Symbol.for('opentelemetry.js.api.1')
/** What `suppressTracing` of `@opentelemetry/core` sets, and every tracer of the SDK looks at. */
const suppressed = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/**
 * Runs a call whose URL nobody may write down. Instrumentation of HTTP clients makes no span for it, and
 * sends tyntec neither ids of the app's traces nor its baggage.
 */
export function untraced<T>(run: () => T): T {
  const registered = globalThis as { [api]?: { context?: ContextManager } } // as the API defines it
  const manager = registered[api]?.context
  return manager ? manager.with(manager.active().setValue(suppressed, true), run) : run()
}
