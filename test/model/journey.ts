import type { OtpStatusEntity } from '../../src/sandbox/otp/entity.js'
import type { CheckOutcome, OtpFlow, Proof } from '../../src/index.js'
import type { End } from './plan.js'

/** One flow, as its browser knows it. */
export interface Journey {
  browser: number
  number: string
  handle: string
  /** By the model's own clock. */
  began: number
  /** Clicks that may send a message of this flow. */
  clicks: number
  checks: Checked[]
  /** Somebody has asked to end it. */
  ended: boolean
  /** And was told that it has ended. */
  cancelled: boolean
  resent: boolean
  login: Login
}

export interface Checked {
  code: string
  /** By the model's own clock. */
  began: number
  outcome: string | undefined
}

/** What the app has made of the flow's proofs. */
export interface Login {
  /** The code that is proven, once the app has been told so. */
  code: string | undefined
  /** Proofs of a first opening that `complete` has taken. */
  opened: Set<Proof>
  /** When the session was open at the soonest and at the latest, by the model's own clock: time may pass meanwhile. */
  openedFrom: number
  openedBy: number
  /** The app has asked for a session to be written down, or for a refusal. */
  asked: boolean
  refusing: boolean
  /** And was told that it is. */
  refused: boolean
  /** How often the app was told to open it again. */
  repeats: number
  /** Names of all sessions that the app has opened. */
  sessions: Set<string>
  /** Proofs of whose end the store may not have heard. */
  open: Set<Proof>
}

/** A proof in the hands of the app. */
export interface Held {
  journey: Journey
  proof: Proof
  repeated: boolean
}

export const openedFor = 60_000
export const mostRepeats = 3
/** Real milliseconds pass too while the model's clock stands still. */
const slack = 2000

export function createJourney(
  given: Pick<Journey, 'browser' | 'number' | 'handle' | 'began'>,
): Journey {
  return {
    ...given,
    clicks: 1,
    checks: [],
    ended: false,
    cancelled: false,
    resent: false,
    login: {
      code: undefined,
      opened: new Set(),
      openedFrom: 0,
      openedBy: Number.POSITIVE_INFINITY,
      asked: false,
      refusing: false,
      refused: false,
      repeats: 0,
      sessions: new Set(),
      open: new Set(),
    },
  }
}

/** What a check says of a sign-in has to be true of this flow, of this code, and of this minute. */
export function judge(
  { login }: Journey,
  { code, began }: Checked,
  outcome: CheckOutcome,
): string | undefined {
  switch (outcome.status) {
    case 'verified':
      if (login.code !== undefined && login.code !== code) return 'two codes are proven'
      login.code = code
      login.open.add(outcome.proof)
      if (!outcome.identity.repeated) return undefined
      login.repeats += 1
      return judgeRepeat(login, began, outcome.previous)
    case 'signed_in':
      if (login.code !== code) return 'signed in by a login with another code'
      if (!login.asked) return 'signed in by a login that nobody has opened'
      if (outcome.session === undefined || !login.sessions.has(outcome.session)) {
        return 'signed in with a session of nobody'
      }
      return undefined
    case 'sign_in_refused':
      if (login.code !== code) return 'refused for another code'
      return login.refusing ? undefined : 'refused by nobody'
    default:
      return undefined
  }
}

function judgeRepeat(login: Login, began: number, previous: string | undefined) {
  if (!login.asked) return 'repeats a login that nobody has opened'
  if (login.repeats > mostRepeats) return `repeats a login ${login.repeats} times`
  if (began > login.openedBy + openedFor + slack) return 'repeats a login of more than a minute ago'
  if (login.refused) return 'repeats a login that the app has refused'
  if (previous === undefined || !login.sessions.has(previous)) {
    return 'does not name the session that it repeats'
  }
  return undefined
}

/** The app does what it means to with a proof. Gives what came of it, or what must not have. */
export async function end(
  flow: OtpFlow,
  { journey, proof, repeated }: Held,
  how: End,
  now: () => number,
): Promise<{ said: string } | { wrong: string }> {
  const { login, cancelled } = journey
  const { refused } = login
  if (how === 'hold') return { said: 'held' }
  if (how === 'release') {
    await flow.release(proof)
    login.open.delete(proof)
    return { said: 'released' }
  }
  login.asked = true
  if (how === 'refuse') {
    login.refusing = true
    const closed = await flow.close(proof, { message: 'no' })
    login.open.delete(proof)
    if (closed) login.refused = true
    return { said: closed ? 'refused' : 'refused too late' }
  }
  const session = `session of ${journey.handle.slice(-6)} ${login.sessions.size}`
  login.sessions.add(session)
  // Nobody knows when it is open until this ends.
  if (!repeated && login.opened.size === 0) login.openedBy = Number.POSITIVE_INFINITY
  const began = now()
  const completed = await flow.complete(proof, { session })
  login.open.delete(proof)
  if (!completed) return { said: 'completed too late' }
  if (!repeated) {
    login.opened.add(proof)
    login.openedFrom = began
    login.openedBy = now()
  }
  if (cancelled) return { wrong: 'signed in after it was cancelled' }
  if (refused) return { wrong: 'signed in after the app has refused' }
  return { said: 'completed' }
}

/** Somebody who heard nothing of the login must be answered again. */
export function mustRepeat({ login, ended }: Journey, now: number): boolean {
  return (
    login.opened.size > 0 &&
    login.open.size === 0 &&
    !login.refusing &&
    !ended &&
    login.repeats < mostRepeats &&
    now < login.openedFrom + openedFor - slack
  )
}

/** An OTP as tyntec has it, or had it before it was deleted. */
export interface Ledgered extends Pick<
  OtpStatusEntity,
  'otpId' | 'number' | 'otpStatus' | 'attemptCount' | 'expire' | 'referenceId'
> {
  code: string | undefined
  journey: Journey | undefined
  deleted: boolean
}
