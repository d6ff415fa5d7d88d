import type { End, Plan } from './plan.js'

/**
 * What each step answers when steps come one after another and nothing fails. Written from what the package
 * promises, not from the code: it has no leases, no attempts in flight and no look-ups.
 */
export interface Reference {
  send(browser: number, number: number, now: number): string
  resend(browser: number, now: number): string
  check(browser: number, code: string, right: boolean, end: End, now: number): string
  status(browser: number, now: number): string
  cancel(browser: number): void
  unlock(number: number): void
}

interface Flow {
  number: number
  created: number
  sent: number
  expires: number
  /** When nothing is known of it any more, if it ends by itself. */
  kept: number
  resends: number
  attempts: number
  /** Wrong codes at the OTP that tyntec has now. */
  tried: number
  failed: boolean
  verified: Verified | undefined
}

interface Verified {
  code: string
  until: number
  end: 'open' | 'refused' | undefined
  repeats: number
}

interface PhoneNumber {
  busyUntil: number
  busyWith: Flow | undefined
  messages: number
  recent: number
  last: number
  wait: number
}

const waits = [30, 60, 120]
const minute = 60_000
/** How long a flow that has ended by itself can begin again. */
const endedFor = 10 * minute

export function createReference(plan: Plan): Reference {
  const most = plan.tight
    ? { number: plan.tight, all: plan.tight + 2 }
    : { number: 1000, all: 10_000 }
  const flows: (Flow | undefined)[] = []
  const phones = Array.from({ length: plan.numbers }, () => newNumber())
  let messages = 0

  const phone = (number: number): PhoneNumber => {
    const found = phones[number]
    if (!found) throw new Error('no such number')
    return found
  }

  const flowOf = (browser: number, now: number): Flow | undefined => {
    const flow = flows[browser]
    return flow && (flow.verified || flow.kept > now) ? flow : undefined
  }

  /** Why a flow takes no further code, by itself. */
  const endOf = (flow: Flow, now: number): 'code_expired' | 'too_many_attempts' | undefined => {
    if (flow.verified) return undefined
    if (flow.failed) return 'too_many_attempts'
    return flow.expires <= now ? 'code_expired' : undefined
  }

  /** Takes a message from the limits, or says which one refuses. */
  const take = (to: PhoneNumber): string | undefined => {
    if (messages >= most.all) return 'ERR_OTP_BUDGET'
    if (to.messages >= most.number) return 'rate_limited'
    messages += 1
    to.messages += 1
    return undefined
  }

  const begin = (browser: number, number: number, now: number): string => {
    const to = phone(number)
    if (to.busyUntil > now) return 'resend_too_soon'
    const refused = take(to)
    if (refused) return refused
    const flow: Flow = {
      number,
      created: now,
      sent: now,
      expires: now + 5 * minute,
      kept: now + 5 * minute + endedFor,
      resends: 0,
      attempts: 0,
      tried: 0,
      failed: false,
      verified: undefined,
    }
    flows[browser] = flow
    to.busyUntil = now + 30_000
    to.busyWith = flow
    return 'sent'
  }

  /** The code is proven already: its answer may have been lost. */
  const checkAgain = (verified: Verified, code: string, end: End, now: number): string => {
    if (verified.code !== code || verified.until <= now) return 'no_pending_code'
    if (verified.end === 'refused') return 'sign_in_refused'
    if (verified.end === 'open') {
      if (verified.repeats >= 3) return 'no_pending_code'
      verified.repeats += 1
    }
    finish(verified, end, now)
    return 'verified'
  }

  const finish = (verified: Verified, end: End, now: number): void => {
    if (end !== 'complete' && end !== 'refuse') return
    if (verified.repeats === 0) verified.until = now + minute
    verified.end = end === 'refuse' ? 'refused' : 'open'
  }

  return {
    send(browser, number, now) {
      const before = flowOf(browser, now)
      if (before?.number === number && !before.verified && !endOf(before, now)) {
        if (now - before.sent < 30_000) return 'sent'
      }
      return begin(browser, number, now)
    },

    resend(browser, now) {
      const flow = flowOf(browser, now)
      if (!flow || flow.verified) return 'no_pending_code'
      if (endOf(flow, now)) return begin(browser, flow.number, now)
      const wait = waits[flow.resends]
      if (wait === undefined) return 'rate_limited'
      const to = phone(flow.number)
      if (flow.sent + wait * 1000 > now) return 'resend_too_soon'
      if (to.busyWith !== flow && to.busyUntil > now) return 'resend_too_soon'
      const limited = take(to)
      if (limited) return limited
      flow.resends += 1
      flow.sent = now
      to.busyUntil = now + 30_000
      to.busyWith = flow
      // A code of ours is nowhere to be sent from again.
      if (plan.own || flow.expires - now < minute) {
        flow.expires = Math.min(now + 5 * minute, flow.created + 10 * minute)
        flow.kept = flow.expires + endedFor
        flow.tried = 0
      }
      return 'sent'
    },

    check(browser, code, right, end, now) {
      if (!/^\d{6}$/.test(code)) return 'malformed_code'
      const flow = flowOf(browser, now)
      if (!flow) return 'no_pending_code'
      if (flow.verified) return checkAgain(flow.verified, code, end, now)
      const refused = endOf(flow, now)
      if (refused) return refused
      const to = phone(flow.number)
      if (to.wait > now) return 'rate_limited'
      flow.attempts += 1
      if (right) {
        to.recent = 0
        to.wait = 0
        to.last = 0
        flow.verified = { code, until: now + minute, end: undefined, repeats: 0 }
        if (to.busyWith === flow) to.busyUntil = 0
        finish(flow.verified, end, now)
        return 'verified'
      }
      if (now > Math.max(to.last, to.wait) + 900_000) to.recent = 0
      to.recent += 1
      to.last = now
      const over = to.recent - plan.free
      to.wait = over < 0 ? 0 : now + Math.min(3600, 30 * 2 ** over) * 1000
      flow.tried += 1
      if ((plan.own || flow.tried < 3) && flow.attempts < plan.attempts) return 'invalid_code'
      flow.failed = true
      flow.kept = now + endedFor
      return 'too_many_attempts'
    },

    status(browser, now) {
      const flow = flowOf(browser, now)
      if (!flow || flow.verified) return 'none'
      return endOf(flow, now) ? 'ended' : 'pending'
    },

    cancel(browser) {
      flows[browser] = undefined
    },

    unlock(number) {
      phones[number] = newNumber()
    },
  }
}

function newNumber(): PhoneNumber {
  return { busyUntil: 0, busyWith: undefined, messages: 0, recent: 0, last: 0, wait: 0 }
}
