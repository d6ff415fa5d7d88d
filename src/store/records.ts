import type { Channel, Delivery } from '../outcomes.js'

/*
 * What the store keeps: one record per thing, each under a key of its own with a time to live. Times are
 * milliseconds by the store's clock. A field that is missing is 0, no, or nothing, so that a record that
 * says little takes little room. Numbers, codes and handles are never in them: only HMACs and sealed values.
 */

/** One record in the hands of a step. */
export interface Box<T> {
  value?: T | undefined
  /** Milliseconds for which the record is written; 0 deletes it. Missing: the step has not changed it. */
  keep?: number | undefined
  /** What stands there is no record. Only told to steps that can go on without it. */
  unreadable?: true | undefined
}

/** Uses of a limit in a window that began with the first of them. */
export interface Window {
  n: number
  ends: number
}

export type Windows = Record<string, Window | undefined>

/** Messages and sign-ins, of which what is older weighs less. */
export interface Meter {
  sent: number
  verified: number
  at: number
}

/** How often each of several things was there, in a window that began with the first. */
export interface Members {
  of: Record<string, number | undefined>
  ends: number
}

/** An address, or the network that it is in. */
export interface AddressRecord {
  uses: Windows
  meter?: Meter | undefined
  /** Countries that it has sent to. */
  countries?: Members | undefined
  /** Numbers that it has failed with. */
  failed?: Members | undefined
}

/** What all numbers together have used, or those of one country or range. */
export interface SharedRecord {
  uses: Windows
  meter?: Meter | undefined
}

export interface NumberRecord {
  uses: Windows
  /** The flow that has the number's latest message. */
  latest?: Latest | undefined
  /** Its flows, with when each record ends at the latest: what the support desk ends, and what is forgotten. */
  flows?: Record<string, number | undefined> | undefined
  failures?: Failures | undefined
}

export interface Latest {
  flow: string
  until: number
  /** The message is only reserved so far. A known browser does not wait for that. */
  reserved?: true | undefined
  /** When the message ends that this one has passed while it was only reserved. */
  passed?: number | undefined
}

export interface Failures {
  /** In a row, until a sign-in. */
  total: number
  /** The same, but those that came after a pause only. */
  recent?: number | undefined
  /** When the next try is allowed. */
  wait?: number | undefined
  last: number
  /** The try that was counted last. */
  by?: string | undefined
  /** What was taken over from the records of secrets that rotate out, by their tags. */
  carried?: Record<string, number | undefined> | undefined
}

export type FlowState = 'sending' | 'unconfirmed' | 'pending' | 'verified' | 'completed' | 'dead'

export type FlowEnd = 'expired' | 'attempts' | 'cancelled' | 'replaced' | 'used'

export interface StoredFlow {
  state: FlowState
  end?: FlowEnd | undefined
  /** The `referenceId` of the newest send. */
  reference: string
  /** Sealed. */
  number: string
  /** Sealed: what the carrier calls the message, or the OTP. */
  otp?: string | undefined
  /** The HMAC of a code of our own. Missing: tyntec has made the code, and judges it. */
  code?: string | undefined
  via: Channel
  /** ISO 3166-1. */
  country: string
  purpose?: string | undefined
  /** ISO 639-1: what a message is sent in that nobody asks for, as one that follows a failed one. */
  language?: string | undefined
  created: number
  expires: number
  sent: number
  /** When the record ends. */
  kept: number
  lease?: number | undefined
  resends?: number | undefined
  /** The reference of the last resend. */
  resend?: string | undefined
  /** What the flow was before the resend that is under way. */
  before?: FlowBefore | undefined
  attempts?: number | undefined
  /** A try has no known end. */
  open?: true | undefined
  /** tyntec's own count of checks, as last heard. */
  counted?: number | undefined
  /** Tries that were given back. */
  refunds?: number | undefined
  delivery?: Delivery | undefined
  /** A message that failed has been followed by one on the next channel, or was to be. */
  fell?: true | undefined
  /** When tyntec was last asked for the delivery, or for a send that has no known end. */
  askedAt?: number | undefined
  tried?: Try | undefined
  /** The try that has ended the flow, or proven its code. */
  by?: string | undefined
  signIn?: SignIn | undefined
}

export interface FlowBefore {
  state: 'pending' | 'unconfirmed'
  reference: string
  code?: string | undefined
  via: Channel
  delivery?: Delivery | undefined
  expires: number
  sent: number
}

/** The last try at a code. */
export interface Try {
  id: string
  state: 'checking' | 'unresolved' | 'wrong' | 'late'
  hash: string
  lease: number
  until: number
  earlier: EarlierTries
  /** The code of the tries before whose end was never heard, or `*` for several. */
  open?: string | undefined
  by: string
  /** The wait of the number before this try was counted. */
  waitBefore?: number | undefined
  /** Charged to the known browser alone. */
  knownBrowser?: true | undefined
  taken?: true | undefined
}

/** The opening of the app's session. */
export interface SignIn {
  /** Of the code that was proven. */
  hash: string
  /** How long the same code is answered as the first time. */
  until: number
  /** Whoever opens the session now, and until when others wait for it. */
  opener?: string | undefined
  lease: number
  /** How often the session was opened again. */
  repeats?: number | undefined
  /** Failures of its number before it, for the operator. */
  failures?: number | undefined
  /** The app's session, sealed, as the latest opener has told it. */
  session?: string | undefined
  /** Sealed: why the app has refused the person. */
  refusal?: string | undefined
}

/**
 * What the tries of the last minute carried that tyntec may have looked at without our hearing of it:
 * the same code as this one, or another too, which may still land.
 */
export type EarlierTries = 'none' | 'same' | 'other'
