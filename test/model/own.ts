import type { Message } from '../../src/sandbox/index.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import type { Journey, Ledgered } from './journey.js'
import type { Fault } from './plan.js'

/*
 * Plans whose codes are our own go out by tyntec's SMS API. It knows of no code, and so of no try: what is proven is
 * that the code of a sign-in came with a message of this very flow, and the reference tells the rest.
 */

export const path = '/messaging/v1/sms'
export const text = 'Your code is {{OTP}}.'

interface Sent {
  to: string
  message: string
  reference: string
}

/** What was posted of a message: the package's own words. */
export function sentBy({ method, path: at, body }: JournalEntry): Sent | undefined {
  return method === 'POST' && at === path ? (body as Sent | undefined) : undefined
}

/** The messages, each with its id in the place of an otpId. */
export function withIds(messages: readonly Message[]): Message[] {
  return messages.map((message) => ({ ...message, otpId: message.requestId ?? '' }))
}

/** What tyntec would know of the code if it were its own. `VERIFIED` where it may be proven: it was typed. */
export function ledgerOf(
  messages: readonly Message[],
  journal: readonly JournalEntry[],
  journeyOf: (reference: string, otpId: string) => Journey | undefined,
): Ledgered[] {
  const sent = new Map<string, string>()
  for (const entry of journal) {
    const { to, message, reference } = sentBy(entry) ?? {}
    if (reference !== undefined) sent.set(`${to} ${message}`, reference)
  }
  return messages.map(({ otpId, to, text, code, sentAt }) => {
    const referenceId = sent.get(`${to} ${text}`) ?? null
    const journey = journeyOf(referenceId ?? '', otpId)
    const typed = journey?.checks.some((check) => check.code === code) === true
    return {
      otpId,
      number: to,
      otpStatus: typed ? 'VERIFIED' : 'ACTIVE',
      attemptCount: 0,
      expire: Date.parse(sentAt) + 300_000,
      referenceId,
      code,
      journey,
      deleted: false,
    }
  })
}

/** The same trouble with this API. Nobody is asked about a code, so that nothing can go wrong with it. */
export function faultOf({ operation, ...fault }: Fault): Fault | undefined {
  if (operation === '*') return { operation, ...fault }
  if (operation !== 'otp.send' && operation !== 'otp.resend') return undefined
  return { operation: 'sms.send', ...fault }
}
