import type { OtpErrorCode } from './errors.js'
import type { Channel, ProblemCode, Suspicion } from './outcomes.js'
import type { ValidationCode, ValidationName } from './setup/checks.js'

/** Which budget: messages in an hour, in a day, to a country in a day, or money in a day. */
export type BudgetWindow = 'hour' | 'day' | 'country' | 'money'

/** Which limit refused. */
export type LimitName =
  | 'sends_per_number'
  | 'sends_per_address'
  | 'messages_per_address_and_number'
  | 'waits_per_address'
  | 'failures_per_number'
  | 'failures_per_address'
  | 'failed_numbers_per_address'
  | 'pumping'

/** What a person can ask for. */
export type RequestStep = 'send' | 'resend' | 'check' | 'status' | 'cancel'

/**
 * Why a request was refused before it could change anything. Of `no_pending_code` three kinds are
 * told apart: the request had no handle, one that none of our secrets can have made, or one without
 * a running flow, which has ended, was changed on its way, or never was.
 */
export type RefusalReason =
  | Exclude<ProblemCode, 'service_unavailable' | 'sign_in_refused'>
  | 'no_handle'
  | 'malformed_handle'

/** What happened. No number, code, otpId, handle or key is in any of them. */
export type OtpEventBody =
  | { type: 'otp.sent'; flowId: string; via: Channel; country: string }
  | { type: 'otp.resent'; flowId: string; via: Channel; country: string; newCode: boolean }
  /** tyntec's answer to a send was lost, and its list doesn't show it yet. */
  | { type: 'otp.unconfirmed'; flowId: string; via: Channel; country: string }
  /** A carrier was asked, since somebody looked or a webhook came. Each message tells of it once. */
  | {
      type: 'otp.delivery'
      flowId: string
      via: Channel
      country: string
      delivery: 'delivered' | 'failed'
    }
  /**
   * Messages of a channel to a country do not lead to sign-ins any more. Of the latest `of` messages `undelivered` could
   * not be delivered, and of `unused` nobody has typed the code. Told once, until it works again.
   */
  | {
      type: 'route.failing'
      via: Channel
      country: string
      undelivered: number
      unused: number
      of: number
    }
  /**
   * `failuresBefore`: failed checks of this number since its last sign-in. `knownBrowser`: it has
   * signed in with this number before.
   */
  | {
      type: 'otp.verified'
      flowId: string
      via: Channel
      country: string
      failuresBefore: number
      knownBrowser: boolean
    }
  /** The app has opened its session, or its own callback has answered instead. */
  | { type: 'session.opened'; flowId: string }
  | {
      type: 'otp.rejected'
      flowId: string
      reason: 'invalid_code' | 'too_many_attempts' | 'no_pending_code'
    }
  /** Its tries are used up: this code signs nobody in any more. */
  | { type: 'otp.locked'; flowId: string }
  /** Somebody came after the code's time. */
  | { type: 'otp.expired'; flowId: string; step: 'resend' | 'check' }
  | { type: 'otp.cancelled'; flowId: string }
  /** Too many failures in a row: nobody signs in with this number until `flow.unlock(number)`. */
  | { type: 'number.disabled'; flowId: string }
  /** By `flow.admin`. `actor`: who did it, as the app has named them. */
  | { type: 'admin'; action: 'look' | 'revoke' | 'unlock' | 'forget'; actor: string }
  | { type: 'limit.hit'; limit: LimitName }
  /** Refused for a reason that has no event of its own. */
  /** `compared`: by what a request was taken to be another site's. Strangers choose parts of it. */
  | {
      type: 'request.refused'
      step: RequestStep
      reason: RefusalReason
      flowId?: string
      compared?: string
    }
  | {
      type: 'budget.warning' | 'budget.exhausted'
      window: BudgetWindow
      /** Of the window `country`. */
      country?: string
      used: number
      of: number
    }
  /**
   * A message looks like one of a pumping run. `unverified`: messages without a sign-in, this one
   * included; of `countries`, how many countries its address has sent to. `enforced`: it was refused,
   * or a challenge decided.
   */
  | {
      type: 'pumping.suspected'
      by: Exclude<Suspicion, 'guessing'>
      country: string
      unverified: number
      verified: number
      enforced: boolean
    }
  /** `failed`: no answer, or a throw, which has an `error` event of its own. */
  | { type: 'challenge.refused'; country: string; via: Channel; failed: boolean }
  /** More wrong codes in the whole app than the option `guessing` allows. Once in each window. */
  | { type: 'guessing.suspected'; failures: number }
  /** With `knows`: a number that is not known got the answers of a known one, and no message. */
  | { type: 'otp.decoyed'; flowId: string; via: Channel; country: string }
  /** The app is not set up as it should be: each check tells once. See the option `validate`. */
  | { type: 'misuse'; check: ValidationName; code: ValidationCode; message: string }
  /**
   * tyntec, Redis or the API key failed. `step` is what was tried. `processed`: whether tyntec may
   * have done what it was asked; `no` only when that is certain.
   */
  | {
      type: 'error'
      step: string
      code: OtpErrorCode
      message: string
      processed?: 'no' | 'unknown'
    }

/** `at`: milliseconds since the epoch. */
export type OtpEvent = OtpEventBody & { at: number }

/** Hears events. What it throws is ignored. */
export type OtpEventListener = (event: OtpEvent) => unknown

/** The events of one type. */
export type OtpEventOf<Type extends OtpEvent['type']> = OtpEvent & { type: Type }
