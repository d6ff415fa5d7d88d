import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.js'
import type { Emits } from '../emits.js'
import type { Faults } from '../faults/faults.js'
import { type Effect, type Operation, planCall } from '../faults/rules.js'
import type { Reason } from '../reason.js'
import { isLoopback, parseUrl } from './loopback.js'

export type WebhookOperation = Extract<Operation, `webhook.${string}`>

/** One try to tell an app something. */
export interface WebhookCall {
  seq: number
  operation: WebhookOperation
  method: 'GET' | 'POST'
  url: string
  /** What was posted; for GET it is in the URL. */
  body?: unknown
  /** The first is 1. */
  attempt: number
  /** The app's answer; `null` while there is none, and for good when there never was one. */
  status: number | null
  at: string
  reason?: Reason
}

/** The sandbox told an app something: at the try, with `status: null`, and again when it is answered. */
export type WebhookHappening = { type: 'webhook'; webhook: WebhookCall }

export interface Notice {
  operation: WebhookOperation
  url: string
  /** @default 'POST' */
  method?: 'GET' | 'POST'
  /** JSON for POST, the query for GET. */
  content: object
  /** For faults by number. */
  number: string
}

export interface Poster {
  /** Tells an app, now and every 10 s by the sandbox's clock until it answers with 2xx. */
  post(notice: Notice): void
  /** Oldest first. */
  list(): WebhookCall[]
  clear(): void
}

export interface PosterParts {
  clock: Clock
  events: Emits<WebhookHappening>
  faults: Faults
  /** Aborted when the sandbox is reset or closed. */
  signal(): AbortSignal
}

/** Seconds between two tries. */
const pause = 10
/** Five minutes of tries. */
const mostAttempts = 30
/** How long an app may take, in milliseconds of real time. */
const deadline = 10_000
const capacity = 500

export function createPoster({ clock, events, faults, signal }: PosterParts): Poster {
  let seq = 0
  let calls: WebhookCall[] = []

  const tell = (webhook: WebhookCall) => events.emit(() => ({ type: 'webhook', webhook }))

  function record(call: Omit<WebhookCall, 'seq' | 'at' | 'status'>): WebhookCall {
    seq += 1
    const recorded = { seq, ...call, status: null, at: new Date(clock.now()).toISOString() }
    calls.push(recorded)
    if (calls.length > capacity) calls.shift()
    tell(recorded)
    return recorded
  }

  async function attempt(notice: Notice, count: number): Promise<void> {
    const { operation, number, method = 'POST', content } = notice
    const life = signal()
    const plan = planCall(faults.list(), operation, number, () => faults.used())
    const url = method === 'GET' ? withQuery(notice.url, content) : notice.url
    const call = {
      operation,
      method,
      url,
      ...(method === 'POST' && { body: content }),
      attempt: count,
      ...(plan.reason && { reason: plan.reason }),
    }
    if (plan.effect?.kind === 'drop-message') return void record(call)
    if (plan.delay.before > 0) await sleep(plan.delay.before, undefined, { signal: life })

    const copies = plan.effect?.kind === 'duplicate-message' ? 2 : 1
    const body = method === 'POST' ? bodyBy(plan.effect, content) : undefined
    const taken = Array.from({ length: copies }, async () => {
      const recorded = record(call)
      const status = await ask(url, method, body, life)
      if (life.aborted) return true
      recorded.status = status
      tell(recorded)
      return status !== null && status >= 200 && status < 300
    })
    if ((await Promise.all(taken)).some(Boolean) || count >= mostAttempts) return
    clock.after(pause, () => start(notice, count + 1))
  }

  function start(notice: Notice, count: number): void {
    // Only a delay that a reset has ended rejects, and then there is nothing left to do.
    attempt(notice, count).catch(() => undefined)
  }

  return {
    post(notice) {
      const url = parseUrl(notice.url)
      if (url && isLoopback(url)) start(notice, 1)
    },
    list: () => [...calls],
    clear() {
      calls = []
    },
  }
}

function bodyBy(effect: Effect | undefined, content: object): string {
  const body = JSON.stringify(content)
  if (effect?.kind === 'empty') return ''
  return effect?.kind === 'malformed' ? body.slice(0, -1) : body
}

/** Lists and objects have no place in a query. */
function withQuery(url: string, content: object): string {
  const target = new URL(url)
  for (const [name, value] of Object.entries(content)) {
    if (typeof value === 'string' || typeof value === 'number') {
      target.searchParams.set(name, String(value))
    }
  }
  return target.href
}

/** The status of the answer, which is not read; `null` when there was none. */
async function ask(
  url: string,
  method: string,
  body: string | undefined,
  life: AbortSignal,
): Promise<number | null> {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([life, AbortSignal.timeout(deadline)]),
      ...(body !== undefined && { body, headers: { 'Content-Type': 'application/json' } }),
    })
    await response.body?.cancel()
    return response.status
  } catch {
    return null
  }
}
