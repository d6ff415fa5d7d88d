/** How a code travels to the person. */
export type Channel = 'sms' | 'voice' | 'whatsapp'

/**
 * Messages without a sign-in: in a country, from an address, to numbers next to each other. Too many
 * countries from one address. Many wrong codes in the whole app.
 */
export type Suspicion = 'country' | 'address' | 'range' | 'countries' | 'guessing'

/** Why a request was refused: the stable `code` of a problem body. Adding one is a minor release. */
export type ProblemCode =
  | 'bad_request'
  | 'number_required'
  | 'code_required'
  | 'malformed_code'
  | 'invalid_number'
  | 'number_not_allowed'
  | 'channel_not_allowed'
  | 'cross_site'
  | 'challenge_required'
  | 'sign_in_refused'
  | 'invalid_code'
  | 'no_pending_code'
  | 'check_in_progress'
  | 'code_expired'
  | 'too_many_attempts'
  | 'resend_too_soon'
  | 'rate_limited'
  | 'service_unavailable'

/** Whether, when and how another message can be asked for. Durations are in seconds. */
export interface ResendState {
  /** Now. */
  allowed: boolean
  /** Seconds until it is, 0 when it is or never will be. */
  retryAfter: number
  /** How many are left. */
  remaining: number
  channels: Channel[]
}

/** What a person may know about the code that is on its way. */
export interface Pending {
  /** The number with all but its last four digits hidden. */
  to: string
  via: Channel
  /** Seconds until the code ends. */
  expiresIn: number
  codeLength: number
  resend: ResendState
}

/** A message went out. `newCode` is true when a resend had to become a new code. */
export interface Sent extends Pending {
  status: 'sent'
  /** Binds the flow to this browser. Give it to nobody else. */
  handle: string
  newCode?: true
}

/** A message may have gone out: the answer was lost, and tyntec's list does not show it yet. */
export interface Unconfirmed extends Pending {
  status: 'unconfirmed'
  /** Binds the flow to this browser. Give it to nobody else. */
  handle: string
}

/** The code is proven. Open the app's session, then call `flow.complete(proof, { session })`. */
export interface Verified {
  status: 'verified'
  identity: Identity
  /** For `complete` or `close`: names the opening of this one session. */
  proof: Proof
  /**
   * For this browser to keep, half a year, and to show at its next `send`: strangers who know the
   * number can then lock out neither it nor its messages. It signs nobody in.
   */
  device: string
  /** The session that an earlier answer, which was lost, has opened: end it once the new one is open. */
  previous?: string | undefined
}

/**
 * Another request of this browser with this code, under way at the same time, has opened the session that is named
 * here, as `complete` was told: answer with it. Where that can't be done, check again with `again: true`.
 */
export interface SignedIn {
  status: 'signed_in'
  identity: Identity
  /** As in `Verified`. */
  device: string
  /** As `complete` was told; missing when it was told none. */
  session?: string | undefined
}

/** The app has refused the person, a moment ago, for this very code. */
export interface SignInRefused {
  status: 'sign_in_refused'
  /** The app's own words. */
  message?: string | undefined
}

/** What a proof is for. A code for one is nothing for another. */
export type Purpose = 'login' | 'link' | 'change' | 'step-up'

/** Who has signed in. */
export interface Identity {
  /** E.164. */
  number: string
  /** Stable for one sign-in; safe to log. */
  flowId: string
  /** When the code was proven, by this process's clock. */
  verifiedAt: Date
  /** How the last message went. */
  channel: Channel
  purpose: Purpose
  /** This browser has signed in with this number before. */
  knownBrowser: boolean
  /** The same sign-in once more, since its answer was lost or doubled: the app's session is opened again. */
  repeated: boolean
}

declare const proof: unique symbol
/** Names the check that was proven, for `complete` and `release`. */
export interface Proof {
  readonly [proof]: never
}

/** A refusal that the person can do something about. */
export interface Refused<Code extends ProblemCode> {
  status: Code
}

/**
 * No telephone number. With `hint`, the text can be read as two numbers, and the person has to write
 * the one that is meant with a plus sign.
 */
export interface InvalidNumber extends Refused<'invalid_number'> {
  hint?: 'write_plus'
}

/** A refusal that ends by waiting. */
export interface Limited<Code extends ProblemCode> {
  status: Code
  /** Seconds. */
  retryAfter: number
}

/** How a send can end. */
export type SendOutcome =
  | Sent
  | Unconfirmed
  | InvalidNumber
  | Refused<
      | 'bad_request'
      | 'number_required'
      | 'number_not_allowed'
      | 'channel_not_allowed'
      | 'challenge_required'
    >
  | Limited<'resend_too_soon' | 'rate_limited'>

/** How a resend can end. */
export type ResendOutcome =
  | Sent
  | Unconfirmed
  | Refused<
      | 'bad_request'
      | 'channel_not_allowed'
      | 'challenge_required'
      | 'no_pending_code'
      | 'code_expired'
      | 'too_many_attempts'
    >
  | Limited<'resend_too_soon' | 'rate_limited'>

/** How a check can end. */
export type CheckOutcome =
  | Verified
  | SignedIn
  | SignInRefused
  | { status: 'invalid_code'; attemptsRemaining: number }
  | Refused<
      | 'bad_request'
      | 'code_required'
      | 'malformed_code'
      | 'no_pending_code'
      | 'code_expired'
      | 'too_many_attempts'
    >
  | Limited<'check_in_progress' | 'rate_limited'>

/** What tyntec's events say of the message. */
export type Delivery = 'unknown' | 'sent' | 'delivered' | 'failed'

/** What the person may know of the flow of a browser. */
export type StatusOutcome =
  | { status: 'none' }
  /** It has ended by itself: for ten minutes `resend` begins again with the same number. */
  | { status: 'ended'; why: 'expired' | 'attempts'; to: string; resend: ResendState }
  | ({ status: 'pending' | 'unconfirmed'; delivery: Delivery } & Pending)
