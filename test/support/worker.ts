import { Redis } from 'ioredis'
import { createOtpFlow } from '../../src/flow/index.js'
import { OtpError } from '../../src/errors.js'
import { redisStore } from '../../src/store/redis.js'

/*
 * One process of an app with several: `processes.test.ts` tells it what to do, all at once, and gets
 * the outcomes back.
 */

export interface Settings {
  redisUrl: string
  prefix: string
  baseUrl: string
  apiKey: string
  secret: string
}

export type Task =
  | { do: 'send'; number: string; addresses: string[] }
  | { do: 'check'; handle: string; codes: string[] }

const settings = JSON.parse(process.argv[2] ?? '') as Settings // from processes.test.ts
const redis = new Redis(settings.redisUrl)
const flow = createOtpFlow({
  apiKey: settings.apiKey,
  secret: settings.secret,
  countries: ['US'],
  baseUrl: settings.baseUrl,
  // Four processes beside the other tests have less than a core each.
  store: redisStore(redis, { prefix: settings.prefix, timeout: 5 }),
})

async function check(handle: string, code: string): Promise<string> {
  const outcome = await flow.check({ handle, code })
  if (outcome.status !== 'verified') return outcome.status
  if (!(await flow.complete(outcome.proof))) return 'gone'
  return outcome.identity.repeated ? 'repeated' : 'opened'
}

async function run(task: Task): Promise<string[]> {
  const steps =
    task.do === 'check'
      ? task.codes.map((code) => check(task.handle, code))
      : task.addresses.map(
          async (address) => (await flow.send({ number: task.number, address })).status,
        )
  return Promise.all(
    steps.map((step) =>
      step.catch((error: unknown) => (error instanceof OtpError ? error.code : String(error))),
    ),
  )
}

process.on('message', (task: Task) => {
  void run(task).then((outcomes) => process.send?.(outcomes))
})
process.once('disconnect', () => process.exit())
// The first commands load the scripts and the connection; they are not what is tested.
void flow
  .status({ handle: 'none' })
  .then(() => redis.ping())
  .then(() => process.send?.('ready'))
