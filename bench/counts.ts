import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import { Pool } from 'undici'
import { startRedisServer } from '../test/support/redis-server.js'
import { newcomer, signIn } from './person.js'
import { startServer, type Tyntec } from './processes.js'
import { apiKey, secret } from './servers/serve.js'
import { startSlowRedis } from './slow-redis.js'

/** What a step asks Redis for. These are exact, and the same in each run. */
export interface Cost {
  /** Commands that the process has sent. */
  sent: number
  /** Commands that scripts have run inside Redis. */
  inside: number
  /** How often the step has waited for Redis, one wait after another. */
  waits: number
}

export type Costs = Record<string, Cost>

/** Long enough for what goes on after an answer. */
const settled = 500

type Around = (step: string, work: () => Promise<void>) => Promise<void>

export interface Counter {
  /** Of a server's routes, through HTTP and with its sessions. */
  ofServer(name: string): Promise<Costs>
  /** Of the package's flow by itself, and of requests that it refuses. */
  ofFlow(): Promise<Costs>
  stop(): Promise<void>
}

/** Counts on a Redis of its own, which tells what it does. */
export async function startCounter(tyntec: Tyntec): Promise<Counter> {
  const server = await startRedisServer()
  const slow = await startSlowRedis(server.url)
  const redis = new Redis(server.url)
  const monitor = await redis.monitor()
  const seen = { sent: 0, inside: 0 }
  monitor.on('monitor', (_time: string, words: string[], source: string) => {
    // What processes tell each other every few seconds is no part of a step.
    if (words.some((word) => word.includes(':note:route:'))) return
    if (source === 'lua') seen.inside += 1
    else seen.sent += 1
  })

  async function count(play: (around: Around) => Promise<void>): Promise<Costs> {
    const costs: Costs = {}
    // The first one opens connections and loads scripts.
    await play((_step, work) => work())
    await play(async (step, work) => {
      await setTimeout(settled)
      slow.reset()
      seen.sent = seen.inside = 0
      await work()
      const waits = slow.waits()
      // What a step does after its answer belongs to it too, but nobody waits for that.
      await setTimeout(settled)
      costs[step] = { ...seen, waits }
    })
    return costs
  }

  return {
    async ofServer(name) {
      const env = { REDIS_URL: slow.url, SANDBOX_URL: tyntec.url, NODE_ENV: 'development' }
      const app = await startServer(name, env)
      const pool = new Pool(app.url)
      const costs = await count((around) => signIn(app, pool, tyntec, around))
      await pool.close()
      await app.stop()
      return costs
    },

    async ofFlow() {
      const client = new Redis(slow.url)
      const flow = createOtpFlow({
        apiKey,
        baseUrl: tyntec.url,
        secret,
        countries: ['DE'],
        store: redisStore(client, { timeout: 5 }),
      })
      const costs = await count(async (around) => {
        const { number, address } = newcomer()
        let handle = ''
        await around('send', async () => {
          const outcome = await flow.send({ number, address })
          if (outcome.status !== 'sent') throw new Error(`The send is ${outcome.status}`)
          handle = outcome.handle
        })
        const code = await tyntec.codeOf(number)
        await around('resend inside its wait', async () => {
          await flow.resend({ handle, address })
        })
        await around('check of a made-up handle', async () => {
          await flow.check({ handle: madeUp(handle), code, address })
        })
        const outcome: { proof?: Parameters<typeof flow.complete>[0] } = {}
        await around('check', async () => {
          const checked = await flow.check({ handle, code, address })
          if (checked.status !== 'verified') throw new Error(`The check is ${checked.status}`)
          outcome.proof = checked.proof
        })
        await around('complete', async () => {
          if (!outcome.proof || !(await flow.complete(outcome.proof))) throw new Error('no login')
        })
      })
      await flow.drain()
      client.disconnect()
      return costs
    },

    async stop() {
      monitor.disconnect()
      redis.disconnect()
      slow.stop()
      await server.stop()
    },
  }
}

/** Of the right form, but with another sign in its middle. */
function madeUp(handle: string): string {
  const at = Math.floor(handle.length / 2)
  return `${handle.slice(0, at)}${handle[at] === 'A' ? 'B' : 'A'}${handle.slice(at + 1)}`
}
