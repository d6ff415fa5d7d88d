import { createRequire, syncBuiltinESMExports } from 'node:module'
import { inspect } from 'node:util'
import {
  context,
  metrics,
  propagation,
  SpanKind,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { createTyntecClient, type TyntecClientOptions } from 'passport-tyntec-otp/tyntec'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js'
import { setupApp } from '../support/app.js'
import { createWatch } from '../support/canary-watch.js'
import { serve, serveJson } from '../tyntec/servers.js'
import { otp } from '../tyntec/setup.js'

/*
 * An app with OpenTelemetry, everything on. vitest gives each file a process of its own, so nothing
 * here is undone: no other test is instrumented.
 */

const require = createRequire(import.meta.url)
/** Numbers of the sandbox whose code is always this one. */
const numbers = ['+12015550134', '+12015550135', '+12015550136', '+12015550137'] as const
const [number] = numbers
const code = '424242'
const wrongCodes = ['918273', '564738']
const apiKey = 'sandbox_cAnArY_kEy_7f3a'

const spans = new InMemorySpanExporter()
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({
  exporter: measured,
  exportIntervalMillis: 3_600_000,
})
const tracer = trace.getTracer('app')
/** Those that play tyntec have no part in the app's traces, though they are in its process. */
const tyntecs = new Set<string>()

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  )
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  // What comes with the SDK, as the SDK finds it.
  const core = createRequire(require.resolve('@opentelemetry/sdk-trace-base'))(
    '@opentelemetry/core',
  ) as { W3CTraceContextPropagator: new () => TextMapPropagator }
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator())

  const headers = ['apikey', 'accept', 'content-type', 'host', 'location', 'retry-after']
  const both = { requestHeaders: headers, responseHeaders: headers }
  const show = (value: unknown) => ({ shown: inspect(value, { depth: 4, getters: true }) })
  const undici = new UndiciInstrumentation({
    headersToSpanAttributes: both,
    startSpanHook: show,
    requestHook: (span, request) => void span.setAttributes(show(request)),
    responseHook: (span, response) => void span.setAttributes(show(response)),
  })
  const http = new HttpInstrumentation({
    headersToSpanAttributes: { client: both, server: both },
    redactedQueryParams: [],
    ignoreIncomingRequestHook: ({ headers: { host = '' } }) => tyntecs.has(host),
  })
  for (const each of [undici, http]) each.enable()
  // What is instrumented is the module that `require` gives. The imports follow it.
  for (const name of ['node:http', 'node:https']) require(name)
  syncBuiltinESMExports()
})

beforeEach(() => {
  spans.reset()
})

const hostOf = (url: string) => new URL(url).host
const named = (name: string) => spans.getFinishedSpans().find((span) => span.name === name)

/** Spans of requests to a server. */
function requestsTo(url: string) {
  return spans
    .getFinishedSpans()
    .filter(({ kind, attributes }) => kind === SpanKind.CLIENT && isTo(url, attributes))
}

function isTo(url: string, attributes: object): boolean {
  return JSON.stringify(attributes).includes(hostOf(url))
}

/** What spans and metrics hold of what only tyntec may be told. */
async function leaks(otpIds: readonly string[]): Promise<unknown[]> {
  const watch = createWatch()
  watch.learn('api key', apiKey)
  for (const each of numbers) watch.learn('number', each)
  for (const each of [code, ...wrongCodes]) watch.learn('code', each)
  for (const each of otpIds) watch.learn('otpId', each)

  for (const span of spans.getFinishedSpans()) {
    const { name, attributes, events, links, resource, status, instrumentationScope } = span
    const shown = { name, attributes, events, links, status, instrumentationScope }
    watch.look(`span ${name}`, JSON.stringify({ ...shown, resource: resource.attributes }))
  }
  await reader.forceFlush()
  watch.look('metric', JSON.stringify(measured.getMetrics()))
  return watch.leaks().map(({ kind, sink }) => `${sink}: ${kind}`)
}

// proves: LOG-2
test.each(['express 5', 'koa 3'] as const)(
  'on %s no span holds what the URLs to tyntec hold, and the app has its own',
  async (framework) => {
    const users = await serve((_request, response) => response.end('ok'))
    const app = await setupApp({
      framework,
      flow: { apiKey },
      // Once the code is proven it is the app's turn, and traced as ever.
      verify: (identity) =>
        tracer.startActiveSpan('find the user', async (span) => {
          await (await fetch(users.url)).text()
          span.end()
          return { number: identity.number }
        }),
    })
    tyntecs.add(hostOf(app.sandbox.url))

    const faults = [{ kind: 'status', status: 500 }, { kind: 'reset' }, { kind: 'malformed' }]
    for (const [index, fault] of faults.entries()) {
      await app.fault({ operation: '*', when: 'after', ...fault })
      const failed = await app.client().post('/login/send', { number: numbers[index] })
      expect([202, 503]).toContain(failed.status)
      await app.clearFaults()
    }
    const client = app.client()
    expect((await client.post('/login/send', { number: numbers[3] })).status).toBe(202)
    for (const wrong of wrongCodes) {
      expect((await client.post('/login/check', { code: wrong })).status).toBe(401)
    }
    expect((await client.get('/login/status')).status).toBe(200)
    expect((await client.post('/login/check', { code })).status).toBe(200)
    expect(new Set(await app.requests())).toEqual(new Set(['send', 'read', 'check', 'events']))

    expect(await leaks(app.sandbox.messages().map(({ otpId }) => otpId))).toEqual([])
    // Requests of the test itself to the control routes are the only ones there.
    expect(requestsTo(app.sandbox.url).map(({ attributes }) => attributes['url.path'])).toEqual(
      requestsTo(app.sandbox.url).map(() => expect.stringMatching(/^\/_sandbox\//)),
    )
    const incoming = spans.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER)
    expect(incoming.length).toBeGreaterThanOrEqual(8)
    const [lookup] = requestsTo(users.url)
    const found = named('find the user')
    expect(lookup?.parentSpanContext?.spanId).toBe(found?.spanContext().spanId)
    const last = incoming.find(
      (span) => span.spanContext().spanId === found?.parentSpanContext?.spanId,
    )
    expect(last?.attributes).toMatchObject({ 'url.path': '/login/check' })
  },
)

async function setupTyntec(): Promise<Sandbox> {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  tyntecs.add(hostOf(sandbox.url))
  return sandbox
}

function setupClient(baseUrl: string, options: Partial<TyntecClientOptions> = {}) {
  const client = createTyntecClient({ apiKey, baseUrl, timeout: 5, ...options })
  onTestFinished(() => client.close())
  return client
}

test('no call of a client is traced, though it waits for a connection that another one frees', async () => {
  const sandbox = await setupTyntec()
  const { otp } = setupClient(sandbox.url, { connections: 1 })
  await tracer.startActiveSpan('many', async (span) => {
    const { otpId } = await otp.send({ number })
    await Promise.all([
      ...wrongCodes.map((wrong) => otp.check(otpId, wrong)),
      otp.list(number),
      otp.read(otpId),
      otp.events(otpId),
      otp.resend(otpId),
      otp.check(otpId, code),
    ])
    await otp.delete(otpId)
    span.end()
  })
  expect(await leaks(sandbox.messages().map(({ otpId }) => otpId))).toEqual([])
  expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['many'])
})

// proves: LOG-2
test.each(['status', 'hang', 'reset', 'empty', 'malformed', 'html', 'truncate', 'slow-body'])(
  'a call that fails leaves no trace: %s',
  async (kind) => {
    const sandbox = await setupTyntec()
    const { otp } = setupClient(sandbox.url, { connections: 1, timeout: 0.3 })
    const { otpId } = await otp.send({ number })
    const fault = {
      operation: '*',
      when: 'before',
      kind,
      ...(kind === 'status' && { status: 500 }),
    }
    await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(fault) })
    spans.reset()
    const calls = [otp.check(otpId, code), otp.check(otpId, '918273'), otp.list(number)]
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).toContain('rejected')
    expect(await leaks([otpId])).toEqual([])
    expect(spans.getFinishedSpans()).toEqual([])
  },
)

test("tyntec hears nothing of the app's traces", async () => {
  const tyntec = await serveJson(200, { ...otp, number })
  tyntecs.add(hostOf(tyntec.url))
  const client = setupClient(tyntec.url)
  await tracer.startActiveSpan('sign-in', async (span) => {
    await client.otp.send({ number })
    await (await fetch(`${tyntec.url}/of-the-app`)).text()
    span.end()
  })
  expect(tyntec.requests.map(({ path, headers }) => [path, 'traceparent' in headers])).toEqual([
    ['/2fa/v1/otp', false],
    // The canary's own check: the same process, traced, tells it.
    ['/of-the-app', true],
  ])
})

test("what is asked for the key is the app's, and traced", async () => {
  const vault = await serve((_request, response) => response.end('ok'))
  const sandbox = await setupTyntec()
  const client = setupClient(sandbox.url, {
    apiKey: async () => {
      await (await fetch(vault.url)).text()
      return apiKey
    },
  })
  await client.otp.send({ number })
  expect(requestsTo(vault.url)).toHaveLength(1)
  expect(requestsTo(sandbox.url)).toEqual([])
})

test('calls are counted in metrics, by what is no secret', async () => {
  const sandbox = await setupTyntec()
  const { otp } = setupClient(sandbox.url)
  const { otpId } = await otp.send({ number })
  await otp.check(otpId, '918273')
  expect(await leaks([otpId])).toEqual([])
  const points = measured
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .filter(({ descriptor }) => descriptor.name === 'http.client.request.duration')
    .flatMap(({ dataPoints }) => dataPoints.map(({ attributes }) => attributes))
    .filter((attributes) => String(attributes['server.port']) === new URL(sandbox.url).port)
  const statuses = points.map((attributes) => attributes['http.response.status_code'])
  expect(new Set(statuses)).toEqual(new Set([200, 401]))
})

// proves: LOG-2
test('the canary sees what a client that is traced tells', async () => {
  const sandbox = await setupTyntec()
  const query = new URLSearchParams({ number, otpCode: code })
  const headers = { apikey: apiKey }
  await (
    await fetch(`${sandbox.url}/2fa/v1/otp?${query.toString()}`, { method: 'POST', headers })
  ).text()
  expect(new Set(await leaks([]))).toEqual(
    new Set(['span POST: number', 'span POST: code', 'span POST: api key']),
  )
})
