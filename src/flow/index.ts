import { OtpError } from '../errors.js'
import {
  createEvents,
  onType,
  type OtpEvent,
  type OtpEventBody,
  type OtpEventOf,
} from '../events.js'
import { createCarriers } from '../carriers/carriers.js'
import { createDecoys } from '../carriers/decoy.js'
import { createPressure } from '../carriers/pressure.js'
import { createLimits } from '../limits/limits.js'
import { createMetrics } from '../metrics.js'
import { createNumberParser } from '../input/number.js'
import type { HttpOptions, OtpOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import type { CheckOutcome, Proof, ResendOutcome, SendOutcome, StatusOutcome } from '../outcomes.js'
import { createSealer, type Sealer } from '../secrets/sealer.js'
import { createSecrets } from '../secrets/secrets.js'
import { createFlowStore } from '../store/flows.js'
import { createTyntecClient } from '../tyntec/index.js'
import { watchRoutes } from '../routes.js'
import { createHealth, type OtpHealth } from '../setup/health.js'
import { createValidation, type Validation } from '../setup/validate.js'
import {
  forgetNumber,
  lookAtNumber,
  numberOfAdmin,
  type OtpAdmin,
  requireActor,
  revokeNumber,
  unlockNumber,
} from './admin.js'
import { type CheckInput, check } from './check.js'
import { type Calls, type Context, lease } from './context.js'
import { createJoins } from './joins.js'
import { close, type Completion, complete, release } from './proof.js'
import { report, type ReportOutcome } from './report.js'
import { type ResendInput, resend } from './resend.js'
import { type SendInput, send } from './send.js'
import { cancel, status, type StatusInput } from './status.js'
import { atMost } from './waiting.js'
import { createWatch, type StepName } from './watch.js'

export type { CheckInput } from './check.js'
export type { ResendInput } from './resend.js'
export type { NumberStatus, OtpAdmin, PendingFlow } from './admin.js'
export type { SendInput } from './send.js'
export type { StatusInput } from './status.js'

/**
 * The steps of a sign-in. What a person can cause comes back as an outcome; what an operator has to
 * fix is thrown as an `OtpError`.
 */
export interface OtpFlow {
  /** Sends a code to a number, as a new flow. The one this browser had before ends. */
  send(input: SendInput): Promise<SendOutcome>
  /** Sends the code of a running flow again, or a new one when it has little time left. */
  resend(input: ResendInput): Promise<ResendOutcome>
  /**
   * Tries a code. After `verified`, open the app's session, then call `complete(proof)`; when that
   * fails, call `release(proof)` and let the person try the same code again.
   */
  check(input: CheckInput): Promise<CheckOutcome>
  /**
   * Ends a proven flow once its session is open. False when it had ended before: close the session.
   * `session`: what the app's session is called, so that it can be ended when this answer is lost.
   */
  complete(proof: Proof, opened?: Omit<Completion, 'proof'>): Promise<boolean>
  /** Lets the same code open the session later: opening it has failed, or nobody was there to hear. */
  release(proof: Proof): Promise<void>
  /** What the person may know of this browser's flow. */
  status(input: StatusInput): Promise<StatusOutcome>
  /** Ends this browser's flow and deletes its code at tyntec. */
  cancel(input: { handle: unknown }): Promise<void>
  /**
   * Ends failures, waits and message limits of a number: for the support desk, once the owner is known.
   */
  unlock(number: string): Promise<void>
  /**
   * What the support desk may see and do about one number (E.164). `actor`: who does it, for the events.
   *
   * @throws {OtpError} `ERR_OTP_MISUSE`
   */
  admin(number: string, by: { actor: string }): OtpAdmin
  /**
   * Adds a listener for the events of one type; the answer removes it.
   *
   * @throws {OtpError} `ERR_OTP_MISUSE` when there is no such event
   */
  on<Type extends OtpEvent['type']>(
    type: Type,
    listener: (event: OtpEventOf<Type>) => unknown,
  ): () => void
  /**
   * What the command `doctor` finds, for a health route: no secret, number or id is in it. An answer holds for 30 s.
   */
  health(): Promise<OtpHealth>
  /**
   * For `SIGTERM`: refuses new steps with a 503, waits for the running ones (10 s at the longest) and
   * closes the connections to tyntec. The store's client is the app's to close afterwards.
   */
  drain(): Promise<void>
  /** @internal */
  readonly options: HttpOptions
  /** @internal Seals what a browser keeps from one page to the next. */
  readonly sealer: Sealer
  /** @internal Looks at how the app has set things up. */
  readonly validation: Validation
  /** @internal Ends a flow whose person the app has refused: as `complete`, with no session to tell of. */
  close(proof: Proof, refusal?: { message?: string | undefined }): Promise<boolean>
  /** @internal For webhooks: from here on messages can be found by the names that carriers give them. */
  hear(): (hint: { id: string }) => Promise<ReportOutcome>
  /** @internal What a browser gets with the page, before it has a handle. */
  createPageToken(): string
  /** @internal Tells of what the flow itself doesn't see. */
  emit(event: OtpEventBody): void
}

/**
 * Makes the flow that the strategy and the routers use. One per app.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`, `ERR_OTP_MISUSE`
 */
export function createOtpFlow(given: OtpOptions): OtpFlow {
  const options = resolveOptions(given)
  const events = createEvents(options.onEvent, options.logger)
  const secrets = createSecrets(options.secrets, options.name)
  const { store } = options
  let hears = false
  const { free, window, wait, maxWait, disableAt } = options.limits.failuresPerNumber
  const { sends, checks } = options.concurrency
  const client = createTyntecClient({
    apiKey: options.apiKey,
    baseUrl: options.baseUrl,
    // Every place of the bulkheads has a connection, so that none waits behind another's slow answer.
    connections: sends + 2 * checks,
    // A step knows itself what it asks again, and in what time.
    repeatReads: false,
  })
  const decoys = options.knows && createDecoys(secrets, options.attempts, events, store)
  const pressure = createPressure(decoys?.observed(client) ?? client, options.concurrency)
  const context: Omit<Context, keyof Calls> = {
    options,
    events,
    secrets,
    store: createFlowStore(store),
    limits: createLimits(options, secrets, events),
    numbers: createNumberParser({
      countries: options.countries,
      channels: [...options.channels.keys()],
    }),
    joins: createJoins(),
    hears: () => hears,
    rules: {
      attempts: options.attempts,
      freeFailures: free,
      failureWindow: window,
      failureWait: wait,
      failureMaxWait: maxWait,
      disableAt,
    },
  }

  const metrics = options.meter && createMetrics(options.meter)
  if (metrics) events.on(metrics.listener, 'count')
  // A store of this process alone has nobody to tell.
  watchRoutes(events, store.facts && store, options.name)
  const watch = createWatch(events, secrets, metrics)

  const running = new Set<Promise<unknown>>()
  let draining = false
  const step = <I, O>(name: StepName, run: (context: Context, input: I) => Promise<O>) => {
    return (input: I): Promise<O> => {
      if (draining && !finishing.has(name)) return Promise.reject(isDraining())
      const access = pressure.enter()
      const client = decoys?.enter(access) ?? access
      const calls: Calls = { carriers: createCarriers(client, options), access }
      const ending = watch(name, input, (events) => run({ ...context, ...calls, events }, input))
      const settled = ending.then(forget, forget)
      function forget() {
        access.leave()
        running.delete(settled)
      }
      running.add(settled)
      return ending
    }
  }

  const looking = step('unlock', lookAtNumber)
  const revoking = step('unlock', revokeNumber)
  const unlocking = step('unlock', unlockNumber)
  const forgetting = step('unlock', forgetNumber)
  const validation = createValidation(given, options, events)
  const completing = step('complete', complete)
  const closing = step('complete', close)
  const { origins, production, revealAttempts, binding, cookie, fields, validate, name } = options
  const { countries, pinLength, codeAlphabet } = options
  return {
    options: {
      origins,
      production,
      revealAttempts,
      binding,
      cookie,
      fields,
      validate,
      name,
      countries,
      pinLength,
      codeAlphabet,
      channels: [...options.channels.keys()],
    },
    sealer: createSealer(options.secrets),
    validation,
    createPageToken: secrets.createPageToken,
    emit: events.emit,
    send: step('send', send),
    resend: step('resend', resend),
    check: step('check', check),
    complete: (proof, opened) => completing({ ...opened, proof }),
    close: (proof, refusal) => closing({ ...refusal, proof }),
    release: step('release', release),
    status: step('status', status),
    cancel: step('cancel', cancel),
    hear() {
      // Nothing is learned of a message where that would tell which numbers are known.
      hears = !options.knows
      return step('status', report)
    },
    unlock: step('unlock', async (context: Context, number: string) =>
      unlockNumber(context, { number: numberOfAdmin(context, number) }),
    ),
    admin(given, by) {
      const { actor } = requireActor(by)
      const about = { number: numberOfAdmin(context, given), actor }
      return {
        look: () => looking(about),
        revoke: () => revoking(about),
        unlock: () => unlocking(about),
        forget: () => forgetting(about),
      }
    },
    health: createHealth(options, client, validation),
    on: (type, listener) => onType(events, type, listener),
    async drain() {
      draining = true
      // A step that is late finds the client open still.
      const closed = Promise.all(running).then(() => Promise.all([client.close(), decoys?.close()]))
      await atMost(lease, closed)
    },
  }
}

/** Steps that end a login that has begun. */
const finishing = new Set(['complete', 'release'])

function isDraining(): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', 'The flow is draining: this process ends', {
    processed: 'no',
    retryAfter: 1,
  })
}
