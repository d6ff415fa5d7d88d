import { RateLimiterMemory } from 'rate-limiter-flexible'
import { OtpError } from '../errors.js'
import type { Channel, Delivery } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import { consumerOf } from './limiter.js'
import { failuresKept, lookupLease, mostRefunds } from './redis.js'
import type {
  CheckResult,
  CheckRules,
  EarlierTries,
  FlowEnd,
  FlowRecord,
  LimitAnswer,
  Limiter,
  LimiterRule,
  MeterReading,
  OtpStore,
} from './store.js'

export interface MemoryStoreOptions {
  /**
   * Allows this store when `NODE_ENV` is `production`: for a single process whose restarts may end
   * every running flow and forget every limit.
   *
   * @default false
   */
  production?: boolean
}

interface Flow {
  state: FlowRecord['state']
  end?: FlowEnd
  reference: string
  referenceBefore?: string
  stateBefore?: 'pending' | 'unconfirmed'
  number: string
  otp?: string
  via: Channel
  viaBefore: Channel
  created: number
  expires: number
  expiresBefore: number
  /** When a new code would end. */
  renewed: number
  sent: number
  sentBefore: number
  lease: number
  resends: number
  resend?: string
  attempts: number
  /** A try has no known end. */
  open: boolean
  counted: number
  refunds: number
  delivery: Delivery
  /** When tyntec was last asked for the delivery, or for a send that has no known end. */
  askedAt: number
  by?: string
  opener?: string
}

interface Attempt {
  id: string
  state: 'checking' | 'unresolved' | 'wrong' | 'ghost' | 'verified'
  hash: string
  lease: number
  earlier: EarlierTries
  /** The code of the tries before whose end was never heard, or `*` for several. */
  open: string | undefined
  by: string
  waitBefore: number
  /** Charged to the lane of a known browser. */
  lane: boolean
  taken: boolean
  opener?: string
}

interface Failures {
  recent: number
  total: number
  wait: number
  last: number
  by: string
  carried: Map<string, number>
}

const noFailures: Failures = { recent: 0, total: 0, wait: 0, last: 0, by: '', carried: new Map() }

/**
 * Keeps flows and limits in this process: for development, tests and apps of one process. The
 * transitions are those of `scripts.ts`, one by one. Most limits can last 24 days at most here: with a
 * longer one `createOtpFlow` throws `ERR_OTP_OPTIONS`.
 *
 * @throws {OtpError} `ERR_OTP_MISUSE` when `NODE_ENV` is `production` and the option does not allow it.
 */
export function memoryStore(options: MemoryStoreOptions = {}): OtpStore {
  if (process.env.NODE_ENV === 'production' && options.production !== true) {
    throw new OtpError(
      'ERR_OTP_MISUSE',
      'memoryStore() forgets everything at a restart and is not shared between processes. Use redisStore(), or memoryStore({ production: true }) for a single process',
    )
  }
  if (options.production !== true) warnOnce()
  return createMemoryStore(() => performance.now())
}

const longestTimer = 24 * 86_400

let warned = false
function warnOnce(): void {
  if (warned) return
  warned = true
  process.emitWarning('memoryStore() is for one process: sign-ins do not survive a restart', {
    code: 'OTP_MEMORY_STORE',
  })
}

/** @internal `clock` gives milliseconds and never goes back. */
export function createMemoryStore(clock: () => number): OtpStore {
  const flows = expiringMap<Flow>(clock)
  const attempts = expiringMap<Attempt>(clock)
  const cooldowns = expiringMap<{ flow: string; reserved: boolean; passed: number }>(clock)
  const failures = expiringMap<Failures>(clock)
  const limiters = new Map<string, Limiter>()
  const lanes = expiringMap<{ count: number }>(clock)
  const members = expiringMap<Map<string, number>>(clock)
  const meters = expiringMap<MeterReading & { at: number }>(clock)
  const notes = expiringMap<string>(clock)
  const laneKey = (ref: FlowRef) => `${ref.number}:${ref.lane}`
  const keyOf = (ref: FlowRef) => `${ref.number}:${ref.flow}`

  /** Why a flow takes no further step. */
  const refusal = (flow: Flow | undefined): 'none' | 'expired' | 'attempts' | undefined => {
    if (!flow || flow.state === 'completed') return 'none'
    if (flow.state === 'dead') {
      return flow.end === 'expired' || flow.end === 'attempts' ? flow.end : 'none'
    }
    return flow.state !== 'verified' && flow.expires <= clock() ? 'expired' : undefined
  }

  const view = (flow: Flow): FlowRecord => ({
    state: flow.state,
    end: flow.end,
    reference: flow.reference,
    number: flow.number,
    otp: flow.otp,
    via: flow.via,
    expiresIn: (flow.expires - clock()) / 1000,
    sentAgo: (clock() - flow.sent) / 1000,
    resends: flow.resends,
    attempts: flow.attempts,
    counted: flow.counted,
    delivery: flow.delivery,
    deliveryDue: false,
    lookupDue: false,
    busy: false,
  })

  /** Whether it is this request's turn to ask tyntec, which is one's in so many seconds. */
  const turn = (flow: Flow, every: number): boolean => {
    const due = clock() - flow.askedAt >= every * 1000
    if (due) flow.askedAt = clock()
    return due
  }

  /** The same for a send that has no known end. Others wait for this look-up until its lease ends. */
  const lookUp = (flow: Flow, every: number): boolean => {
    const due = turn(flow, every)
    if (due) {
      flow.state = 'unconfirmed'
      flow.lease = clock() + lookupLease * 1000
    }
    return due
  }

  /** An ended flow says only that it has ended. */
  const finish = (ref: FlowRef, flow: Flow, state: 'dead' | 'completed', end: FlowEnd): void => {
    flow.state = state
    flow.end = end
    flow.reference = ''
    flow.number = ''
    delete flow.otp
    delete flow.resend
    attempts.delete(keyOf(ref))
  }

  /** A resend becomes a new send. */
  const renewFlow = (flow: Flow, reference: string): void => {
    flow.stateBefore = flow.state === 'pending' ? 'pending' : 'unconfirmed'
    flow.state = 'sending'
    flow.referenceBefore = flow.reference
    flow.reference = reference
    flow.expiresBefore = flow.expires
    flow.expires = flow.renewed
  }

  const charge = (tag: string, attempt: string, rules: CheckRules, failed: Failures): void => {
    const now = clock()
    const over = now > Math.max(failed.last, failed.wait) + rules.failureWindow * 1000
    const recent = (over ? 0 : failed.recent) + 1
    const wait =
      recent < rules.freeFailures
        ? 0
        : now +
          1000 *
            Math.min(
              rules.failureMaxWait,
              rules.failureWait * 2 ** Math.min(recent - rules.freeFailures, 30),
            )
    const next = { ...failed, recent, total: failed.total + 1, wait, last: now, by: attempt }
    failures.set(tag, next, failuresKept * 1000)
  }

  const refund = (ref: FlowRef, attempt: Attempt): void => {
    const failed = failures.get(ref.number)
    const lane = attempt.lane ? lanes.get(laneKey(ref)) : undefined
    if (lane) lane.count -= 1
    if (!failed || failed.total <= 1) return failures.delete(ref.number)
    failed.total -= 1
    if (attempt.lane) return
    failed.recent = Math.max(failed.recent - 1, 0)
    if (failed.by === attempt.by) failed.wait = attempt.waitBefore
  }

  const remember = (ref: FlowRef, attempt: Attempt, seconds: number): void =>
    attempts.set(keyOf(ref), attempt, seconds * 1000)

  const settle = (
    ref: FlowRef,
    flow: Flow,
    tried: Attempt,
    result: Exclude<CheckResult, { result: 'verified' }>,
    rules: CheckRules,
  ): void => {
    switch (result.result) {
      case 'wrong':
        if (tried.state === 'checking') {
          tried.state = result.late ? 'ghost' : 'wrong'
          const closes = tried.open === undefined || tried.open === tried.hash
          if (closes && !result.late) flow.open = false
          tried.lease = 0
          flow.counted = result.counted ?? flow.counted
        }
        if (flow.attempts < rules.attempts) return
        flow.by = tried.id
        return finish(ref, flow, 'dead', 'attempts')
      case 'over':
        if (!result.failed) refund(ref, tried)
        flow.by = tried.id
        return finish(ref, flow, 'dead', result.end)
      case 'unasked':
      case 'unprocessed':
        // Bounded, so that no way of failing gives tries without end.
        if (result.result === 'unasked' || flow.refunds < mostRefunds) {
          flow.attempts -= 1
          if (result.result === 'unprocessed') flow.refunds += 1
          refund(ref, tried)
        }
        if (!result.late) {
          flow.open = false
          return attempts.delete(keyOf(ref))
        }
        tried.id = ''
        tried.state = 'ghost'
        tried.lease = 0
        return
      case 'unresolved':
        tried.state = 'unresolved'
        tried.lease = 0
    }
  }

  // Which flow a number's latest message belongs to, and whether that is only reserved so far. Who has been
  // refused gives it back at once, and a known browser doesn't wait for that: with refused
  // requests alone strangers could keep it from sending.
  const isHeldBy = (ref: FlowRef): boolean => cooldowns.get(ref.number)?.flow === ref.flow
  const waitFor = ({ number, lane }: FlowRef): number =>
    lane !== undefined && cooldowns.get(number)?.reserved ? 0 : cooldowns.remaining(number)
  // A known browser passes others only, so that its own double click is one message. What it has passed may
  // be out by the time it gives its own back.
  const reserveFor = (ref: FlowRef, cooldown: number): void => {
    const { number, flow, lane } = ref
    const passes = lane !== undefined && cooldowns.get(number)?.reserved
    const passed = passes ? clock() + cooldowns.remaining(number) : 0
    cooldowns.set(number, { flow, reserved: lane === undefined, passed }, cooldown * 1000)
  }
  const giveBack = (ref: FlowRef): void => {
    const { number, flow } = ref
    const held = cooldowns.get(number)
    if (!held || !isHeldBy(ref)) return
    const left = Math.min(held.passed - clock(), cooldowns.remaining(number))
    if (left > 0) cooldowns.set(number, { flow, reserved: true, passed: 0 }, left)
    else cooldowns.delete(number)
  }
  const hold = (ref: FlowRef): void => {
    const held = cooldowns.get(ref.number)
    if (held && isHeldBy(ref)) held.reserved = false
  }

  return {
    async reserveSend(ref, request) {
      const now = clock()
      if (flows.get(keyOf(ref))?.reference === request.reference) return { status: 'reserved' }
      const current = request.current && flows.get(keyOf(request.current))
      if (
        current &&
        !refusal(current) &&
        current.state !== 'verified' &&
        current.via === request.via
      ) {
        const recent = now - current.sent < request.cooldown * 1000
        if (current.state !== 'pending') {
          if (current.lease > now) return { status: 'busy' }
          // Before another message always; else as often as anybody may.
          if (!request.lookedUp && (!recent || lookUp(current, request.lookupEvery))) {
            return { status: 'lookup', record: view(current) }
          }
        }
        if (recent) return { status: 'current', record: view(current) }
      }
      const wait = waitFor(ref)
      if (wait > 0) return { status: 'too_soon', retryAfter: Math.ceil(wait / 1000) }
      attempts.delete(keyOf(ref))
      flows.set(
        keyOf(ref),
        {
          state: 'sending',
          reference: request.reference,
          number: request.number,
          via: request.via,
          viaBefore: request.via,
          created: now,
          sent: now,
          sentBefore: now,
          expires: now + request.lifetime * 1000,
          expiresBefore: 0,
          renewed: 0,
          lease: now + request.lease * 1000,
          resends: 0,
          attempts: 0,
          open: false,
          counted: 0,
          refunds: 0,
          delivery: 'unknown',
          askedAt: never,
        },
        request.keep * 1000,
      )
      reserveFor(ref, request.cooldown)
      return { status: 'reserved' }
    },

    async settleSend(ref, reference, result) {
      const flow = flows.get(keyOf(ref))
      if (!flow || flow.reference !== reference) return false
      if (flow.state !== 'sending' && flow.state !== 'unconfirmed') {
        return result.result === 'sent' && flow.state === 'pending'
      }
      const now = clock()
      if (result.result === 'sent') {
        hold(ref)
        // The lifetime runs from the first send of the flow at the longest.
        const last = flow.created + result.maxLifetime * 1000
        flow.state = 'pending'
        flow.otp = result.otp
        flow.expires = Math.min(flow.sent + result.lifetime * 1000, last)
        flow.lease = 0
        flow.counted = 0
        flow.delivery = 'unknown'
        flow.askedAt = never
        const kept = Math.min(flow.created + 600_000, flow.expires + 300_000)
        flows.set(keyOf(ref), flow, Math.max(1, kept - now))
      } else if (result.result === 'unconfirmed') {
        hold(ref)
        flow.state = 'unconfirmed'
        flow.lease = 0
      } else {
        giveBack(ref)
        if (flow.referenceBefore !== undefined) {
          // It was a resend that had become a new send: the flow is what it was before.
          flow.state = flow.stateBefore ?? 'unconfirmed'
          flow.lease = 0
          flow.expires = flow.expiresBefore
          flow.resends -= 1
          flow.sent = flow.sentBefore
          flow.via = flow.viaBefore
          flow.reference = flow.referenceBefore
          delete flow.resend
          delete flow.referenceBefore
        } else {
          flows.delete(keyOf(ref))
        }
      }
      return true
    },

    async reserveResend(ref, request) {
      const now = clock()
      const flow = flows.get(keyOf(ref))
      if (flow?.resend === request.reference) {
        return {
          status: flow.reference === request.reference ? 'renew' : 'reserved',
          record: view(flow),
        }
      }
      const refused = refusal(flow)
      if (!flow || refused) return { status: refused ?? 'none' }
      if (flow.state === 'verified') return { status: 'none' }
      if (flow.lease > now) return { status: 'busy' }
      const check = attempts.get(keyOf(ref))
      if (check?.state === 'checking' && check.lease > now) return { status: 'busy' }
      const wait = request.waits[flow.resends]
      if (wait === undefined) {
        return { status: 'exhausted', retryAfter: Math.ceil((flow.expires - now) / 1000) }
      }
      const others = isHeldBy(ref) ? 0 : waitFor(ref)
      const left = Math.max(flow.sent + wait * 1000 - now, others, 0)
      if (left > 0) return { status: 'too_soon', retryAfter: Math.ceil(left / 1000) }
      if (flow.state !== 'pending' && !request.lookedUp) {
        return { status: 'lookup', record: view(flow) }
      }
      const renew = flow.state !== 'pending' || flow.expires - now < request.renewBelow * 1000
      flow.resends += 1
      flow.sentBefore = flow.sent
      flow.sent = now
      flow.viaBefore = flow.via
      flow.via = request.via
      flow.lease = now + request.lease * 1000
      flow.resend = request.reference
      flow.renewed = Math.min(
        now + request.lifetime * 1000,
        flow.created + request.maxLifetime * 1000,
        now + flows.remaining(keyOf(ref)),
      )
      flow.delivery = 'unknown'
      flow.askedAt = never
      reserveFor(ref, request.cooldown)
      if (renew) {
        renewFlow(flow, request.reference)
      }
      return { status: renew ? 'renew' : 'reserved', record: view(flow) }
    },

    async settleResend(ref, reference, result) {
      const flow = flows.get(keyOf(ref))
      if (!flow || flow.resend !== reference) return false
      if (flow.state !== 'pending') return result === 'renew' && flow.state === 'sending'
      if (result === 'sent') {
        hold(ref)
        flow.lease = 0
      } else if (result === 'renew') {
        renewFlow(flow, reference)
      } else if (flow.lease !== 0) {
        flow.lease = 0
        flow.resends -= 1
        flow.sent = flow.sentBefore
        flow.via = flow.viaBefore
        giveBack(ref)
      }
      return true
    },

    async claimCheck(ref, request, rules) {
      const now = clock()
      const flow = flows.get(keyOf(ref))
      const tried = attempts.get(keyOf(ref))
      const same = tried?.hash === request.codeHash
      const lease = now + request.lease * 1000
      if (flow?.state === 'completed') return { status: request.joining ? 'opened' : 'none' }
      if (flow?.state === 'verified') {
        if (tried?.state !== 'verified' || !same) return { status: 'none' }
        if (tried.lease > now && tried.opener !== request.attempt) return { status: 'join' }
        tried.lease = lease
        tried.opener = request.attempt
        return { status: 'verified', record: view(flow), attempt: tried.id }
      }
      const refused = refusal(flow)
      if (!flow || refused) return { status: refused ?? 'none' }
      if (flow.state !== 'pending') {
        if (flow.lease > now) return { status: 'sending' }
        if (!lookUp(flow, request.lookupEvery)) return { status: 'unsettled' }
        return { status: 'lookup', record: view(flow) }
      }
      if (tried?.state === 'checking' && tried.lease > now) {
        if (tried.id === request.attempt) {
          return tried.taken
            ? { status: 'unresolved', record: view(flow), sameCode: same, earlier: tried.earlier }
            : { status: 'claimed', record: view(flow), earlier: tried.earlier }
        }
        if (same) return { status: 'join' }
        return { status: 'busy', retryAfter: Math.ceil((tried.lease - now) / 1000) }
      }
      if (request.joining && tried?.state !== 'checking') {
        return tried?.state === 'wrong' && same
          ? { status: 'wrong', attempts: flow.attempts }
          : { status: 'unknown' }
      }
      if (tried?.state === 'checking' || tried?.state === 'unresolved') {
        Object.assign(tried, { id: request.attempt, state: 'checking', lease, taken: true })
        return { status: 'unresolved', record: view(flow), sameCode: same, earlier: tried.earlier }
      }
      if (flow.attempts >= rules.attempts) return { status: 'attempts' }

      const failed = failures.get(ref.number) ?? noFailures
      if (failed.total >= rules.disableAt) {
        return { status: 'limited', retryAfter: rules.failureMaxWait, disabled: true }
      }
      // A known browser has tries of its own: what strangers did to the number doesn't stop it.
      const used = lanes.get(laneKey(ref))
      const lane = ref.lane !== undefined && (used?.count ?? 0) < rules.laneFailures
      if (lane) {
        if (used) used.count += 1
        else lanes.set(laneKey(ref), { count: 1 }, rules.laneWindow * 1000)
        failures.set(ref.number, { ...failed, total: failed.total + 1 }, failuresKept * 1000)
      } else {
        if (failed.wait > now) {
          const retryAfter = Math.ceil((failed.wait - now) / 1000)
          return { status: 'limited', retryAfter, disabled: false }
        }
        charge(ref.number, request.attempt, rules, failed)
      }
      flow.attempts += 1
      const open = openCode(flow, tried)
      flow.open = true
      const earlier = open === undefined ? 'none' : open === request.codeHash ? 'same' : 'other'
      const attempt: Attempt = {
        id: request.attempt,
        state: 'checking',
        hash: request.codeHash,
        lease,
        earlier,
        open,
        by: request.attempt,
        waitBefore: failed.wait,
        lane,
        taken: false,
      }
      remember(ref, attempt, request.window)
      return { status: 'claimed', record: view(flow), earlier }
    },

    async settleCheck(ref, attempt, result, rules) {
      const flow = flows.get(keyOf(ref))
      const tried = attempts.get(keyOf(ref))
      const settled = () => ({
        status: 'settled' as const,
        attempts: flow?.attempts ?? 0,
        failures: failures.get(ref.number)?.total ?? 0,
      })
      if (result.result !== 'verified') {
        if (flow?.state === 'dead' && flow.by === attempt) return settled()
        if (flow?.state !== 'pending' || tried?.id !== attempt) return { status: 'stale' }
        settle(ref, flow, tried, result, rules)
        return settled()
      }
      // tyntec's proof counts even when another request took the attempt over meanwhile.
      if (flow?.state === 'verified' && flow.by === attempt) return settled()
      if (flow?.state !== 'pending') return { status: 'stale' }
      flow.state = 'verified'
      flow.by = attempt
      const verified: Attempt = {
        id: attempt,
        state: 'verified',
        hash: result.codeHash,
        lease: clock() + result.lease * 1000,
        earlier: 'none',
        open: undefined,
        by: attempt,
        waitBefore: 0,
        lane: false,
        taken: false,
        opener: attempt,
      }
      remember(ref, verified, result.window)
      if (flows.remaining(keyOf(ref)) < result.window * 1000) {
        flows.set(keyOf(ref), flow, result.window * 1000)
      }
      // This attempt was charged as a failure until now.
      const before = Math.max((failures.get(ref.number)?.total ?? 0) - 1, 0)
      failures.delete(ref.number)
      lanes.delete(laneKey(ref))
      // Whoever has signed in may sign in again at once.
      if (isHeldBy(ref)) cooldowns.delete(ref.number)
      return { status: 'settled', attempts: flow.attempts, failures: before }
    },

    async complete(ref, attempt, opener = attempt) {
      const flow = flows.get(keyOf(ref))
      if (flow?.by !== attempt) return false
      if (flow.state === 'completed') return flow.opener === opener
      if (flow.state !== 'verified') return false
      flow.opener = opener
      finish(ref, flow, 'completed', 'used')
      return true
    },

    async release(ref, attempt) {
      const flow = flows.get(keyOf(ref))
      const tried = attempts.get(keyOf(ref))
      if (flow?.state !== 'verified' || flow.by !== attempt || !tried) return
      tried.lease = 0
      delete tried.opener
    },

    async read(ref, every) {
      const flow = flows.get(keyOf(ref))
      if (!flow) return undefined
      const { state, delivery, lease, expires } = flow
      const now = clock()
      const busy = (state === 'sending' || state === 'unconfirmed') && lease > now
      const known = delivery === 'delivered' || delivery === 'failed'
      const deliveryDue = state === 'pending' && !known && turn(flow, every)
      const lookupDue = state === 'unconfirmed' && expires > now && !busy && lookUp(flow, every)
      return { ...view(flow), deliveryDue, lookupDue, busy }
    },

    async setDelivery(ref, delivery) {
      const flow = flows.get(keyOf(ref))
      if (flow?.state === 'pending') flow.delivery = delivery
    },

    async end(ref, end) {
      const flow = flows.get(keyOf(ref))
      if (!flow || refusal(flow)) return undefined
      const record = view(flow)
      finish(ref, flow, 'dead', end)
      return record
    },

    async unlock(numberTag) {
      failures.delete(numberTag)
    },

    async failures(numberTag) {
      const { total, wait } = failures.get(numberTag) ?? noFailures
      return { total, wait: Math.max(0, Math.ceil((wait - clock()) / 1000)) }
    },

    async carryFailures(numberTag, origin, { total, wait }) {
      const failed = failures.get(numberTag) ?? noFailures
      const more = Math.max(total - (failed.carried.get(origin) ?? 0), 0)
      const carried = new Map(failed.carried).set(origin, total)
      // Without a wait those that the number has go on ageing.
      const until = wait > 0 ? Math.max(failed.wait, clock() + wait * 1000) : failed.wait
      const next = { ...failed, total: failed.total + more, wait: until, carried }
      failures.set(numberTag, next, failuresKept * 1000)
    },

    limiter(rule) {
      const { points, duration } = rule
      // A timer of Node.js that is longer ends at once, and the count with it.
      if (duration > longestTimer) {
        throw new OtpError(
          'ERR_OTP_OPTIONS',
          `A limit of memoryStore() can last ${longestTimer} seconds, which are 24 days`,
        )
      }
      // Two flows on one store share their limits, as they do on one Redis.
      const name = `${rule.name}:${points}:${duration}`
      const limiter = limiters.get(name) ?? createLimiter(rule)
      limiters.set(name, limiter)
      return limiter
    },

    memberLimiter({ name, points, duration }) {
      const keyOf = (key: string) => `${name}:${key}`
      const add = (key: string, member: string, counts: 0 | 1): LimitAnswer => {
        const found = members.get(keyOf(key)) ?? new Map<string, number>()
        const held = found.get(member) ?? 0
        const allowed = held > 0 || found.size < points
        if (allowed && counts) {
          const remaining = members.remaining(keyOf(key)) || duration * 1000
          members.set(keyOf(key), found.set(member, held + 1), remaining)
        }
        const retryAfter = Math.max(1, Math.ceil(members.remaining(keyOf(key)) / 1000))
        return { allowed, retryAfter, used: allowed ? found.size : found.size + 1 }
      }
      return {
        ask: async (key, member) => add(key, member, 0),
        consume: async (key, member) => add(key, member, 1),
        async refund(key, member) {
          const counts = members.get(keyOf(key))
          const held = counts?.get(member) ?? 0
          if (held > 1) counts?.set(member, held - 1)
          else counts?.delete(member)
          if (counts?.size === 0) members.delete(keyOf(key))
        },
        async forget(key, member) {
          const counts = members.get(keyOf(key))
          counts?.delete(member)
          if (counts?.size === 0) members.delete(keyOf(key))
        },
      }
    },

    meter({ name, halfLife }) {
      return {
        async add(key, { sent, verified }) {
          const now = clock()
          const found = meters.get(`${name}:${key}`) ?? { sent: 0, verified: 0, at: now }
          const weight = 2 ** (-(now - found.at) / (halfLife * 1000))
          const reading = {
            sent: Math.max(found.sent * weight + sent, 0),
            verified: Math.max(found.verified * weight + verified, 0),
          }
          // Whoever was refused leaves nothing behind.
          if (reading.sent + reading.verified < nothing) meters.delete(`${name}:${key}`)
          else meters.set(`${name}:${key}`, { ...reading, at: now }, halfLife * 4000)
          return reading
        },
      }
    },

    async keepNote(name, note, duration) {
      notes.set(name, note, duration * 1000)
    },
    note: async (name) => notes.get(name),
  }
}

/** So long ago that everybody's turn has come, as the time 0 is to Redis. */
const never = -1e12

/** A meter that is under it counts as empty. */
const nothing = 0.001

/** What may still land. A code that is known to be wrong is none of it any more. */
function openCode(flow: Flow, tried: Attempt | undefined): string | undefined {
  if (!tried) return flow.open ? '*' : undefined
  if (tried.state === 'wrong') return tried.open === tried.hash ? undefined : tried.open
  if (tried.state !== 'ghost') return undefined
  return tried.open === undefined || tried.open === tried.hash ? tried.hash : '*'
}

function createLimiter({ name, points, duration }: LimiterRule): Limiter {
  const limiter = new RateLimiterMemory({ keyPrefix: name, points, duration })
  const consume = consumerOf(limiter)
  // One step after the other, so that nothing is counted between the two of a refund.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const turn = last.then(step)
    last = turn.catch(() => {})
    return turn
  }
  return {
    consume: (key, uses) => inTurn(() => consume(key, uses)),
    refund: (key, uses = 1) =>
      inTurn(async () => {
        const { consumedPoints } = await limiter.reward(key, uses)
        // Whoever was refused leaves nothing behind, nor does a refund whose window has ended.
        if (consumedPoints <= 0) await limiter.delete(key)
      }),
  }
}

/** A map whose entries end. Each write looks at a few entries, so that dead ones do not pile up. */
function expiringMap<T>(clock: () => number) {
  const entries = new Map<string, { value: T; ends: number }>()
  let sweep = entries.entries()

  const alive = (key: string) => {
    const entry = entries.get(key)
    if (entry && entry.ends <= clock()) {
      entries.delete(key)
      return undefined
    }
    return entry
  }

  return {
    get: (key: string): T | undefined => alive(key)?.value,
    remaining: (key: string): number => Math.max((alive(key)?.ends ?? 0) - clock(), 0),
    delete: (key: string): void => void entries.delete(key),
    set(key: string, value: T, milliseconds: number): void {
      entries.set(key, { value, ends: clock() + milliseconds })
      for (let looked = 0; looked < 4; looked++) {
        const next = sweep.next()
        if (next.done) {
          sweep = entries.entries()
          return
        }
        if (next.value[1].ends <= clock()) entries.delete(next.value[0])
      }
    },
  }
}
