import { tracingChannel } from 'node:diagnostics_channel'
import {
  errorEvent,
  type Events,
  type OtpEventBody,
  type RefusalReason,
  type RequestStep,
} from '../events.js'
import type { Metrics } from '../metrics.js'
import type { Secrets } from '../secrets/secrets.js'

export type StepName = RequestStep | 'complete' | 'release' | 'unlock'

/** What the channels of a step are told. No number, code, otpId, handle or key is in it. */
export interface OtpTrace {
  /** Which step of the flow runs. */
  step: StepName
  /** These three are there once an event of the step has named them. */
  flowId?: string
  via?: string
  country?: string
  /** The outcome's `status`; `done` of a step that has none, `over` when the flow had ended. */
  result?: string
  /** Of an `OtpError`, in place of `result`. */
  code?: string
  /** Seconds. */
  duration?: number
}

/** Runs a step and tells of it. Its own events go by those that it is given. */
export type Watch = <Outcome>(
  step: StepName,
  input: unknown,
  run: (events: Events) => Promise<Outcome>,
) => Promise<Outcome>

const channels = {
  send: channelOf('send'),
  resend: channelOf('resend'),
  check: channelOf('check'),
  complete: channelOf('complete'),
  release: channelOf('release'),
  status: channelOf('status'),
  cancel: channelOf('cancel'),
  unlock: channelOf('unlock'),
} satisfies Record<StepName, unknown>

export function createWatch(events: Events, secrets: Secrets, metrics: Metrics | undefined): Watch {
  return (step, input, run) => {
    const started = performance.now()
    const trace: OtpTrace = { step }
    let told = false
    const own: Events = {
      on: events.on,
      emit(event) {
        if (!asides.has(event.type)) told = true
        if (channels[step].hasSubscribers) name(trace, event)
        events.emit(event)
      },
    }
    const end = (ended: { result: string } | { code: string }) => {
      trace.duration = (performance.now() - started) / 1000
      Object.assign(trace, ended)
      metrics?.ended(step, 'code' in ended ? ended.code : ended.result, trace.duration)
    }
    const watched = async () => {
      try {
        const outcome = await run(own)
        const result = resultOf(outcome)
        const refused = told ? undefined : refusalOf(secrets, step, input, result)
        if (refused) own.emit(refused)
        end({ result })
        return outcome
      } catch (error) {
        const event = errorEvent(step, error)
        own.emit(event)
        end({ code: event.code })
        throw error
      }
    }
    return traced(step, trace, watched)
  }
}

function channelOf(step: StepName) {
  return tracingChannel<unknown, OtpTrace>(`passport-tyntec-otp.${step}`)
}

/**
 * As `tracePromise` does it, which would give the channels the outcome itself: handle, identity and
 * all.
 */
function traced<T>(step: StepName, trace: OtpTrace, run: () => Promise<T>): Promise<T> {
  const channel = channels[step]
  if (!channel.hasSubscribers) return run()
  const { start, end, asyncStart, asyncEnd, error } = channel
  const settle = () => {
    if (trace.code !== undefined) error.publish(trace)
    asyncStart.publish(trace)
    asyncEnd.publish(trace)
  }
  return start.runStores(trace, () => {
    const running = run()
    end.publish(trace)
    return running.finally(settle)
  })
}

function name(trace: OtpTrace, event: OtpEventBody): void {
  if ('flowId' in event && event.flowId !== undefined) trace.flowId = event.flowId
  if ('via' in event) trace.via = event.via
  if ('country' in event) trace.country = event.country
}

function resultOf(outcome: unknown): string {
  if (outcome === false) return 'over'
  const hasStatus = typeof outcome === 'object' && outcome !== null && 'status' in outcome
  return hasStatus ? String(outcome.status) : 'done'
}

/** They go along with an outcome, and don't say what it was. */
const asides: ReadonlySet<OtpEventBody['type']> = new Set([
  'pumping.suspected',
  'guessing.suspected',
  'number.disabled',
  'otp.delivery',
])

const noRefusals: ReadonlySet<string> = new Set([
  'sent',
  'unconfirmed',
  'verified',
  'signed_in',
  'sign_in_refused',
  'pending',
  'ended',
  // Of a webhook.
  'unknown',
  'asked',
  'later',
])

/** The event of a refusal that the step itself has not told of. */
function refusalOf(
  secrets: Secrets,
  step: StepName,
  input: unknown,
  result: string,
): OtpEventBody | undefined {
  if (step === 'complete' || step === 'release' || step === 'unlock') return undefined
  if (noRefusals.has(result)) return undefined
  // A send begins a flow: the handle of the one before has no part in its refusal.
  const looksAtHandle = step !== 'send' && typeof input === 'object' && input !== null
  const handle = looksAtHandle && 'handle' in input ? input.handle : undefined
  const given = handle !== undefined && handle !== null && handle !== ''
  const ref = given ? secrets.parseHandle(handle) : undefined
  const malformed = given && !ref
  // A page may ask for a status, and cancel, without ever having asked for a code.
  if (result === 'none' || result === 'done') {
    return malformed ? { type: 'request.refused', step, reason: 'malformed_handle' } : undefined
  }
  if (result === 'code_expired' && ref && (step === 'resend' || step === 'check')) {
    return { type: 'otp.expired', flowId: ref.flowId, step }
  }
  const handleReason = malformed ? 'malformed_handle' : given ? 'no_pending_code' : 'no_handle'
  // An outcome that is not well is one of the codes.
  const reason = result === 'no_pending_code' ? handleReason : (result as RefusalReason)
  return { type: 'request.refused', step, reason, ...(ref && { flowId: ref.flowId }) }
}
