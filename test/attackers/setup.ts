import { Redis } from 'ioredis'
import type { BudgetOptions } from 'passport-tyntec-otp'
import { expect, onTestFinished } from 'vitest'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { type Answer, type Client, createClient } from '../support/client.js'
import { countsOf } from '../support/counts.js'
import { startDemo } from '../support/demo.js'
import { startRedis } from '../support/redis.js'
import { advanceRedis, dumpRedis } from '../support/stores.js'
import { type Attack, figures } from './figures.js'

/** The owner's number: its code is 424242. */
export const number = '+12015550100'
export const rightCode = '424242'
/** Where the owner is. */
export const home = '198.51.100.7'

export type Attacked = Awaited<ReturnType<typeof startAttacked>>

/** The example app as `npm run demo` starts it, but in production, behind one proxy and on a Redis of its own. */
export async function startAttacked(framework: 'express' | 'koa', budget?: BudgetOptions) {
  const server = await startRedis()
  const redis = new Redis(server.url)
  onTestFinished(() => redis.disconnect())
  const { url, sandbox } = await startDemo(framework, server.url, {
    NODE_ENV: 'production',
    TRUST_PROXY: '1',
    ...(budget && { BUDGET: JSON.stringify(budget) }),
    OTP_SECRET: 'the secret of an app that is attacked, of 32 bytes and more',
  })
  const journal = async (): Promise<JournalEntry[]> => {
    const answer = await fetch(`${sandbox}/requests`)
    return (await answer.json()) as JournalEntry[]
  }
  return {
    client: (jar?: Map<string, string>) => createClient(url, jar),
    redis,
    /** Scripts that Redis has run. */
    async scripts(): Promise<number> {
      const stats = await redis.info('commandstats')
      const calls = [...stats.matchAll(/^cmdstat_evalsha?:calls=(\d+)/gm)]
      return calls.reduce((sum, [, count]) => sum + Number(count), 0)
    },
    /** Messages that phones have got. */
    async messages(isCounted: (to: string) => boolean): Promise<number> {
      const answer = await fetch(`${sandbox}/messages`)
      const messages = (await answer.json()) as { to: string }[]
      return messages.filter(({ to }) => isCounted(to)).length
    },
    /** The same as Redis counts them for the day: the sandbox keeps the latest 500. */
    async counted(): Promise<number> {
      return countsOf(await dumpRedis(redis, 'tyntec-otp:'))['app day'] ?? 0
    },
    /** The newest code of each phone. */
    async codes(): Promise<Map<string, string>> {
      const answer = await fetch(`${sandbox}/messages`)
      const messages = (await answer.json()) as { to: string; code: string }[]
      return new Map(messages.map(({ to, code }) => [to, code]))
    },
    /** How often tyntec was asked for a message, or about a code. */
    async asked(what: 'send' | 'check'): Promise<number> {
      const calls = (await journal()).filter(({ method }) => method === 'POST')
      return calls.filter(({ path }) => path.endsWith('/check') === (what === 'check')).length
    },
    async fault(fault: object): Promise<void> {
      const answer = await fetch(`${sandbox}/faults`, {
        method: 'POST',
        body: JSON.stringify(fault),
      })
      expect(answer.status).toBeLessThan(300)
    },
    /** Moves the time of Redis. */
    pass: (seconds: number) => advanceRedis(redis, 'tyntec-otp:', seconds),
  }
}

export function from(address: string) {
  return { headers: { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' } }
}

/** Sends a code to the owner and types it. Gives what the last answer says. */
export async function signIn(client: Client, address = home): Promise<Answer> {
  const sent = await client.post('/login/send', { number }, from(address))
  if (sent.status !== 202) return sent
  return client.post('/login/check', { code: rightCode }, from(address))
}

/** A browser that has signed in before, and is signed out. */
export async function knownBrowser({ client }: Attacked): Promise<Client> {
  const browser = client()
  expect((await signIn(browser)).status).toBe(200)
  await browser.post('/logout', {}, from(home))
  expect((await browser.get('/me', from(home))).status).toBe(401)
  expect(browser.jar.has('__Host-otp-device')).toBe(true)
  return browser
}

interface Request {
  address: string
  path?: string
  body: Record<string, string>
  client?: Client
}

interface AttackOptions {
  connections?: number
  /** Before a request. */
  pause?: (index: number) => Promise<void>
  /** Whose messages are counted. */
  to?: (recipient: string) => boolean
}

/**
 * Runs an attack, so many connections at once, and gives the statuses. What it took and reached is held to the
 * figures of docs/abuse.md: never more messages, and hardly fewer, as Redis is late at times on a busy machine.
 */
export async function attack(
  app: Attacked,
  name: Attack,
  request: (index: number) => Request,
  { connections = 4, pause, to = () => true }: AttackOptions = {},
): Promise<Record<string, number>> {
  const { requests } = figures[name]
  const count = () => (requests > 1000 ? app.counted() : app.messages(to))
  const before = await count()
  const addresses = new Set<string>()
  const statuses: Record<string, number> = {}
  let next = 0
  const connection = async () => {
    while (next < requests) {
      const index = next++
      if (pause) await pause(index)
      const { address, path = '/login/send', body, client = app.client() } = request(index)
      addresses.add(address)
      const { status, json } = await client.post(path, body, from(address))
      const code = status < 300 ? '' : ` ${String(json?.code)}`
      statuses[`${status}${code}`] = (statuses[`${status}${code}`] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: connections }, connection))
  const messages = (await count()) - before
  expect({ ...figures[name], addresses: addresses.size }).toEqual(figures[name])
  expect(messages).toBeLessThanOrEqual(figures[name].messages)
  expect(messages).toBeGreaterThanOrEqual(Math.floor(figures[name].messages * 0.95))
  return statuses
}
