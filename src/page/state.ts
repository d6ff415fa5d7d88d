import type { ProblemCode } from '../outcomes.js'

/** How a code can travel, as far as the page has words for it. */
export type PageChannel = 'sms' | 'voice' | 'whatsapp'

/** Why something was refused: what the page reads of a problem body. */
export interface PageProblem {
  code: ProblemCode | 'sign_in_refused'
  retryAfter?: number
  attemptsRemaining?: number
  /** `write_plus`: the number has two readings. */
  hint?: 'write_plus'
  /** Shown for `sign_in_refused` only, whose words are the app's. */
  detail?: string
}

interface Resend {
  allowed: boolean
  retryAfter: number
  remaining: number
  channels: readonly PageChannel[]
}

/** What `GET /status` says, as far as the page reads it. */
export type PageStatus =
  | { status: 'none' }
  | {
      status: 'pending' | 'unconfirmed'
      to: string
      via: PageChannel
      expiresIn: number
      codeLength: number
      resend: Resend
      delivery: 'unknown' | 'sent' | 'delivered' | 'failed'
    }
  | { status: 'ended'; why: 'expired' | 'attempts'; to: string; resend: Resend }

/** What the page knows of one request. */
export interface PageFacts {
  /** `undefined` when the store could not be asked. */
  status: PageStatus | undefined
  /** Whether the browser came with a handle, live or not. */
  hasHandle: boolean
  signedIn: boolean
  /** Why the last form post was refused, or why this request is. */
  problem?: PageProblem | undefined
  /** What the last form post did. */
  notice?: 'resent' | undefined
  /** As the person typed it, where it was refused. */
  number?: string | undefined
}

export type PagePending = Extract<PageStatus, { status: 'pending' | 'unconfirmed' }>
export type PageEnded = Extract<PageStatus, { status: 'ended' }>

/** What one page shows. */
export type PageState =
  | { step: 'number'; number: string; problem: PageProblem | undefined }
  | {
      step: 'code'
      /** `undefined`: a code may be there, but the store can't be asked about it. */
      pending: PagePending | undefined
      problem: PageProblem | undefined
      notice: 'resent' | undefined
    }
  | { step: 'ended'; ended: PageEnded; problem: PageProblem | undefined }
  | { step: 'signed-in' }

/** Problems that say only that there is no code to enter. A step that shows so says it itself. */
const overtaken: ReadonlySet<PageProblem['code']> = new Set([
  'code_expired',
  'too_many_attempts',
  'no_pending_code',
])

/** Which step a page shows, and what went wrong before it. */
export function stateOf(facts: PageFacts): PageState {
  const { status, hasHandle, signedIn, problem, notice, number = '' } = facts
  switch (status?.status) {
    case 'pending':
    case 'unconfirmed':
      return { step: 'code', pending: status, problem, notice }
    case 'ended':
      // Somebody who is signed in meanwhile has no use for another code.
      if (signedIn) return { step: 'signed-in' }
      return {
        step: 'ended',
        ended: status,
        problem: problem && overtaken.has(problem.code) ? undefined : problem,
      }
    case 'none':
      return signedIn ? { step: 'signed-in' } : { step: 'number', number, problem }
    case undefined:
      if (signedIn) return { step: 'signed-in' }
      // Who has a code in hand is not sent back to the first step for an outage.
      return hasHandle
        ? { step: 'code', pending: undefined, problem, notice }
        : { step: 'number', number, problem }
  }
}
