import type { Channel, Delivery } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'

/** Durations are in seconds. */
export interface CheckRules {
  /** Tries at one code. */
  attempts: number
  /** Failures of a number that cost no wait. */
  freeFailures: number
  /** How long after the last failure, or the end of its wait, the free failures come back. */
  failureWindow: number
  /** The first wait; each further failure doubles it. */
  failureWait: number
  failureMaxWait: number
  /** Failures in a row after which the number is refused until it is unlocked. */
  disableAt: number
  /** Failures that a known browser has to itself, whatever strangers do to its number. */
  laneFailures: number
  laneWindow: number
}

/** The flow as it is stored. Sealed values are opaque here. Times are milliseconds by the store's clock. */
export interface FlowRecord {
  state: 'sending' | 'unconfirmed' | 'pending' | 'verified' | 'completed' | 'dead'
  /** Why a dead flow ended. */
  end: FlowEnd | undefined
  /** The `referenceId` of the newest send. */
  reference: string
  number: string
  otp: string | undefined
  via: Channel
  /** Seconds. */
  expiresIn: number
  /** Seconds since the last message. */
  sentAgo: number
  resends: number
  attempts: number
  /** tyntec's own count of checks, as last heard. */
  counted: number
  delivery: Delivery
  /** This reader is the one who asks tyntec for the delivery now. Only `read` says so. */
  deliveryDue: boolean
  /** This reader is the one who looks the send up now, and settles it. Only `read` says so. */
  lookupDue: boolean
  /** A request is under way that sends, or looks the send up. Only `read` says so. */
  busy: boolean
}

export type FlowEnd = 'expired' | 'attempts' | 'cancelled' | 'replaced' | 'used'

export interface SendRequest {
  /** Unguessable and new for each message: names the send at tyntec and in the store. */
  reference: string
  number: string
  via: Channel
  lease: number
  /** Seconds in which no other flow sends to this number. */
  cooldown: number
  lifetime: number
  /** How long the record is kept. */
  keep: number
  /** The flow this browser has for the same number. */
  current: FlowRef | undefined
  /** Set when the fate of the current flow's send was looked up and nothing was found. */
  lookedUp: boolean
  /** Seconds between two requests that are told to look one send up, where no message is due. */
  lookupEvery: number
}

export type SendReservation =
  | { status: 'reserved' }
  /** The browser's current flow is what it asks for: nothing is sent. */
  | { status: 'current'; record: FlowRecord }
  /** The current flow's send is running. */
  | { status: 'busy' }
  /** The current flow's send has no known end: look it up before another is made. */
  | { status: 'lookup'; record: FlowRecord }
  | { status: 'too_soon'; retryAfter: number }

export type SendResult =
  | { result: 'sent'; otp: string; lifetime: number; maxLifetime: number }
  /** tyntec provably did nothing. */
  | { result: 'failed' }
  | { result: 'unconfirmed' }

export interface ResendRequest {
  reference: string
  via: Channel
  lease: number
  /** Seconds before the first, second, ... resend; as many as are allowed. */
  waits: readonly number[]
  cooldown: number
  /** With less left than this many seconds, the resend becomes a new send. */
  renewBelow: number
  /** Of the new send, and the longest from the first one. */
  lifetime: number
  maxLifetime: number
  lookedUp: boolean
}

export type ResendReservation =
  | { status: 'reserved' | 'renew'; record: FlowRecord }
  | { status: 'busy' }
  | { status: 'lookup'; record: FlowRecord }
  | { status: 'none' | 'expired' | 'attempts' }
  | { status: 'too_soon' | 'exhausted'; retryAfter: number }

/** `renew`: tyntec refused the OTP as over, so the same message becomes a new send. */
export type ResendResult = 'sent' | 'failed' | 'renew'

export interface CheckRequest {
  /** Unguessable and new for each try. */
  attempt: string
  codeHash: string
  lease: number
  /** How long a try whose end is unknown can still be settled. */
  window: number
  /** This request waits for a running check of the same code, and wants its end. */
  joining: boolean
  /** Seconds between two requests that are told to look one send up. */
  lookupEvery: number
}

/**
 * What the tries of the last minute carried that tyntec may have looked at without our hearing of it:
 * the same code as this one, or another too, which may still land.
 */
export type EarlierTries = 'none' | 'same' | 'other'

export type CheckClaim =
  /** The attempt is counted: ask tyntec. */
  | { status: 'claimed'; record: FlowRecord; earlier: EarlierTries }
  /** An earlier try has no known end; it is ours to settle. `sameCode`: it carried this code. */
  | { status: 'unresolved'; record: FlowRecord; sameCode: boolean; earlier: EarlierTries }
  /** tyntec has proven this code earlier, and no session was opened: ours to open. */
  | { status: 'verified'; record: FlowRecord; attempt: string }
  /** A check of the same code is running. */
  | { status: 'join' }
  /** A check of another code is running. */
  | { status: 'busy'; retryAfter: number }
  /** The check that was joined has opened the session. */
  | { status: 'opened' }
  /** The check that was joined ended with a wrong code. */
  | { status: 'wrong'; attempts: number }
  /** The check that was joined ended without an answer. */
  | { status: 'unknown' }
  /** The send has no known end: look it up first, and settle it, for others wait for that. */
  | { status: 'lookup'; record: FlowRecord }
  /** The same, but it was looked up just now. */
  | { status: 'unsettled' }
  /** A request is under way that sends, or looks the send up. */
  | { status: 'sending' }
  | { status: 'none' | 'expired' | 'attempts' }
  /** This number has failed too often. `disabled`: until it is unlocked. */
  | { status: 'limited'; retryAfter: number; disabled: boolean }

export type CheckResult =
  | { result: 'verified'; codeHash: string; lease: number; window: number }
  /** `late`: or another code was that had been under way, and this one still is. */
  | { result: 'wrong'; counted: number | undefined; late?: boolean }
  /** The OTP has ended; `failed` when by this wrong code. */
  | { result: 'over'; end: FlowEnd; failed: boolean }
  /** tyntec provably did not look at the code. `late`: but an earlier request may still land. */
  | { result: 'unprocessed'; late: boolean }
  /** tyntec was not asked: always given back. `late` as above. */
  | { result: 'unasked'; late: boolean }
  | { result: 'unresolved' }

export type CheckSettlement =
  | { status: 'settled'; attempts: number; failures: number }
  /** The flow ended meanwhile, or another request took the attempt over. */
  | { status: 'stale' }

export interface FailureCount {
  total: number
  /** Seconds. */
  wait: number
}

/** What a limit says. */
export interface LimitAnswer {
  allowed: boolean
  /** Seconds. */
  retryAfter: number
  /** Uses in this window, this one included. */
  used: number
}

export interface Limiter {
  /** One use, or what one use costs in points. */
  consume(key: string, points?: number): Promise<LimitAnswer>
  /** Gives one use back. */
  refund(key: string, points?: number): Promise<void>
}

/** How many different members a key may have in a window: numbers of an address, for example. */
export interface MemberLimiter {
  /** Whether this member would be allowed, without counting it. */
  ask(key: string, member: string): Promise<LimitAnswer>
  consume(key: string, member: string): Promise<LimitAnswer>
  /** Gives one use of this member back. */
  refund(key: string, member: string): Promise<void>
  /** Gives all uses of this member back. */
  forget(key: string, member: string): Promise<void>
}

/** Messages and sign-ins that a meter remembers: what is older weighs less. */
export interface MeterReading {
  sent: number
  verified: number
}

export interface MeterRule {
  name: string
  /** Seconds after which what was counted weighs half. */
  halfLife: number
}

export interface Meter {
  /** Adds to both, which may be negative, and reads them. */
  add(key: string, change: MeterReading): Promise<MeterReading>
}

export interface LimiterRule {
  name: string
  points: number
  /** Seconds. */
  duration: number
}

/**
 * The state of every flow. Each method is one atomic step, and safe to run twice with the same
 * reference or attempt, since Redis clients send a command again when its answer was lost.
 */
export interface OtpStore {
  reserveSend(ref: FlowRef, request: SendRequest): Promise<SendReservation>
  /** False when the record is gone or belongs to a newer send. */
  settleSend(ref: FlowRef, reference: string, result: SendResult): Promise<boolean>
  reserveResend(ref: FlowRef, request: ResendRequest): Promise<ResendReservation>
  settleResend(ref: FlowRef, reference: string, result: ResendResult): Promise<boolean>
  claimCheck(ref: FlowRef, request: CheckRequest, rules: CheckRules): Promise<CheckClaim>
  settleCheck(
    ref: FlowRef,
    attempt: string,
    result: CheckResult,
    rules: CheckRules,
  ): Promise<CheckSettlement>
  /**
   * Ends a verified flow: its session is open. True for whoever ended it, however often asked, and
   * for nobody else who was told that it is verified. `opener`: the attempt that was told so.
   *
   * @default opener is the attempt itself
   */
  complete(ref: FlowRef, attempt: string, opener?: string): Promise<boolean>
  /** Lets a verified flow be completed by the next request with the same code. */
  release(ref: FlowRef, attempt: string): Promise<void>
  /**
   * `every`: seconds between two readers that are told to ask tyntec, for the delivery or for a send that
   * has no known end.
   */
  read(ref: FlowRef, every: number): Promise<FlowRecord | undefined>
  setDelivery(ref: FlowRef, delivery: Delivery): Promise<void>
  /** Ends a flow that is not over and gives its record back, once. */
  end(ref: FlowRef, end: FlowEnd): Promise<FlowRecord | undefined>
  /** Forgets the failures of a number. */
  unlock(numberTag: string): Promise<void>
  /** How often a number has failed in a row, and how long it still has to wait. */
  failures(numberTag: string): Promise<FailureCount>
  /**
   * Counts failures that are kept under the tag of another secret. Safe to repeat: of the same
   * origin only what is new is added.
   */
  carryFailures(numberTag: string, origin: string, failures: FailureCount): Promise<void>
  limiter(rule: LimiterRule): Limiter
  memberLimiter(rule: LimiterRule): MemberLimiter
  meter(rule: MeterRule): Meter
  /** What processes tell each other, for so many seconds. Nothing of a person, and nothing that decides. */
  keepNote(name: string, note: string, seconds: number): Promise<void>
  note(name: string): Promise<string | undefined>
}
