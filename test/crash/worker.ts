import { Redis } from 'ioredis'
import { createOtpFlow } from '../../src/index.js'
import { createRedisStore } from '../../src/store/redis.js'
import type { StepName } from '../../src/store/steps/index.js'
import { type OtpStore, type StepStore, toOpaque } from '../../src/store/store.js'
import { ownChannels } from './channels.js'

/** The app's process in these tests: does one step, and dies where it is told to. */
export interface Order {
  redisUrl: string
  prefix: string
  baseUrl: string
  apiKey: string
  secret: string
  /** Codes are our own, and go out by this channel. */
  via: keyof typeof ownChannels | undefined
  step: Step
  /** Where it dies by itself; without it, its parent decides. */
  at: { when: 'before' | 'after'; method: StepName } | undefined
}

export type Step =
  | { type: 'send'; number: string; handle?: string | undefined }
  | { type: 'resend' | 'cancel'; handle: string }
  | { type: 'check'; handle: string; code: string; end: 'complete' | 'release' }

export type Report = { handle: string } | { outcome: string }

process.once('message', (order: Order) => {
  run(order).catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})

async function run(order: Order): Promise<void> {
  const redis = new Redis(order.redisUrl)
  const flow = createOtpFlow({
    apiKey: order.apiKey,
    baseUrl: order.baseUrl,
    secret: order.secret,
    countries: ['US'],
    ...(order.via && { channels: [ownChannels[order.via]] }),
    // On a busy machine Redis is slow, not away.
    store: mortal(createRedisStore(redis, { prefix: order.prefix, timeout: 5 }), order.at),
  })
  await report({ outcome: await perform(flow, order) })
  await flow.drain()
  redis.disconnect()
  process.disconnect()
}

async function perform(flow: ReturnType<typeof createOtpFlow>, order: Order): Promise<string> {
  const { step } = order
  const address = '192.0.2.7'
  switch (step.type) {
    case 'send': {
      const onHandle = (handle: string) => {
        reports.push(report({ handle }))
      }
      const outcome = await flow.send({ ...step, address, onHandle })
      return outcome.status
    }
    case 'resend':
      return (await flow.resend({ handle: step.handle, address })).status
    case 'cancel':
      await flow.cancel({ handle: step.handle })
      return 'cancelled'
    case 'check': {
      const outcome = await flow.check({ ...step, address })
      if (outcome.status !== 'verified') return outcome.status
      if (step.end === 'release') await flow.release(outcome.proof)
      else await flow.complete(outcome.proof)
      return 'signed in'
    }
  }
}

/** What the browser has got is with it: only then may the process die. */
const reports: Promise<void>[] = []

function report(message: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error ? reject(error) : resolve()))
  })
}

async function die(): Promise<never> {
  await Promise.all(reports)
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

function mortal(store: StepStore, at: Order['at']): OtpStore {
  if (!at) return toOpaque(store)
  return toOpaque({
    ...store,
    async run<Name extends StepName>(...call: Parameters<typeof store.run<Name>>) {
      if (call[0] !== at.method) return store.run<Name>(...call)
      if (at.when === 'before') await die()
      await store.run<Name>(...call)
      return die()
    },
  })
}
