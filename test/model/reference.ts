import type { Plan } from './plan.js'

/**
 * What each step answers when steps come one after another and nothing fails. Written from the
 * contract, not from the code: it has no leases, no attempts in flight and no look-ups.
 */
export interface Reference {
  send(browser: number, number: number, now: number): string
  resend(browser: number, now: number): string
  check(browser: number, code: string, right: boolean, end: string, now: number): string
  status(browser: number, now: number): string
  cancel(browser: number, now: number): void
  unlock(number: number): void
}

interface Flow {
  number: number
  created: number
  sent: number
  expires: number
  kept: number
  resends: number
  attempts: number
  /** Wrong codes at the OTP that tyntec has now. */
  tried: number
  end: 'attempts' | 'none' | undefined
  verified: { code: string; until: number } | undefined
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

export function createReference(plan: Plan, addresses: readonly string[]): Reference {
  const most = plan.tight
    ? { number: plan.tight, all: plan.tight + 2, address: 10 }
    : { number: 1000, all: 300, address: 1000 }
  const flows: (Flow | undefined)[] = []
  const phones = Array.from({ length: plan.numbers }, () => newNumber())
  const asked = addresses.map(() => 0)
  let messages = 0

  const phone = (number: number): PhoneNumber => {
    const found = phones[number]
    if (!found) throw new Error('no such number')
    return found
  }

  /** Why a flow takes no further step. */
  const refusal = (flow: Flow | undefined, now: number): string | undefined => {
    if (!flow || flow.kept <= now || flow.end === 'none') return 'no_pending_code'
    if (flow.end === 'attempts') return 'too_many_attempts'
    if (!flow.verified && flow.expires <= now) return 'code_expired'
    return undefined
  }

  const tooMany = (browser: number): boolean => {
    asked[browser] = (asked[browser] ?? 0) + 1
    return asked[browser] > most.address
  }

  /** A click that sends nothing costs its address nothing. */
  const free = (browser: number, outcome: string): string => {
    asked[browser] = (asked[browser] ?? 0) - 1
    return outcome
  }

  /** Takes a message from the limits, or says which one refuses. */
  const take = (to: PhoneNumber): string | undefined => {
    if (messages >= most.all) return 'ERR_OTP_BUDGET'
    if (to.messages >= most.number) return 'rate_limited'
    messages += 1
    to.messages += 1
    return undefined
  }

  return {
    send(browser, number, now) {
      if (tooMany(browser)) return 'rate_limited'
      const before = flows[browser]
      if (before?.number === number && !before.verified && !refusal(before, now)) {
        if (now - before.sent < 30_000) return free(browser, 'sent')
      }
      const to = phone(number)
      if (to.busyUntil > now) return free(browser, 'resend_too_soon')
      const refused = take(to)
      if (refused) {
        to.busyUntil = 0
        return refused
      }
      const flow: Flow = {
        number,
        created: now,
        sent: now,
        expires: now + 300_000,
        kept: now + 600_000,
        resends: 0,
        attempts: 0,
        tried: 0,
        end: undefined,
        verified: undefined,
      }
      flows[browser] = flow
      to.busyUntil = now + 30_000
      to.busyWith = flow
      return 'sent'
    },

    resend(browser, now) {
      const flow = flows[browser]
      if (!flow) return 'no_pending_code'
      if (tooMany(browser)) return 'rate_limited'
      const refused = refusal(flow, now)
      if (refused || flow.verified) return free(browser, refused ?? 'no_pending_code')
      const wait = waits[flow.resends]
      if (wait === undefined) return free(browser, 'rate_limited')
      const to = phone(flow.number)
      if (flow.sent + wait * 1000 > now) return free(browser, 'resend_too_soon')
      if (to.busyWith !== flow && to.busyUntil > now) return free(browser, 'resend_too_soon')
      const limited = take(to)
      if (limited) {
        to.busyUntil = 0
        return limited
      }
      flow.resends += 1
      flow.sent = now
      to.busyUntil = now + 30_000
      to.busyWith = flow
      if (flow.expires - now < 60_000) {
        flow.expires = Math.min(now + 300_000, flow.created + 600_000)
        flow.kept = Math.min(flow.created + 600_000, flow.expires + 300_000)
        flow.tried = 0
      }
      return 'sent'
    },

    check(browser, code, right, end, now) {
      if (!/^\d{6}$/.test(code)) return 'malformed_code'
      const flow = flows[browser]
      const refused = refusal(flow, now)
      if (!flow || refused) return refused ?? 'no_pending_code'
      if (flow.verified) {
        if (flow.verified.code !== code || flow.verified.until <= now) return 'no_pending_code'
        if (end === 'complete') flow.end = 'none'
        return 'verified'
      }
      const to = phone(flow.number)
      if (to.wait > now) return 'rate_limited'
      flow.attempts += 1
      if (right) {
        to.recent = 0
        to.wait = 0
        to.last = 0
        flow.verified = { code, until: now + 60_000 }
        if (to.busyWith === flow) to.busyUntil = 0
        flow.kept = Math.max(flow.kept, now + 60_000)
        if (end === 'complete') flow.end = 'none'
        return 'verified'
      }
      if (now > Math.max(to.last, to.wait) + 900_000) to.recent = 0
      to.recent += 1
      to.last = now
      const over = to.recent - plan.free
      to.wait = over < 0 ? 0 : now + Math.min(3600, 30 * 2 ** over) * 1000
      flow.tried += 1
      if (flow.tried < 3 && flow.attempts < plan.attempts) return 'invalid_code'
      flow.end = 'attempts'
      return 'too_many_attempts'
    },

    status(browser, now) {
      const flow = flows[browser]
      return !flow || flow.verified || refusal(flow, now) ? 'none' : 'pending'
    },

    cancel(browser, now) {
      const flow = flows[browser]
      if (flow && !refusal(flow, now)) flow.end = 'none'
    },

    unlock(number) {
      const to = phone(number)
      to.recent = 0
      to.wait = 0
      to.last = 0
    },
  }
}

function newNumber(): PhoneNumber {
  return { busyUntil: 0, busyWith: undefined, messages: 0, recent: 0, last: 0, wait: 0 }
}
