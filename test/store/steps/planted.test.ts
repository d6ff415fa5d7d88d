import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { createMemoryStore } from '../../../src/store/memory.js'
import type { createRedisStore } from '../../../src/store/redis.js'
import type { StepStore } from '../../../src/store/store.js'
import { createRedis } from '../../support/redis.js'
import { createSteps } from '../../support/steps.js'
import { checkRequest, newId, rules, startFlow, verified } from '../../support/stores.js'

/*
 * Both stores run one text of the steps: `memoryStore` as it is, Redis as the Lua that is made of it. So a fault in
 * a transition is a fault of both, and one test of it finds it in both.
 */

const root = new URL('../../../', import.meta.url)
const run = promisify(execFile)

interface Planted {
  name: string
  file: string
  before: string
  after: string
}

const planted: Planted[] = [
  {
    name: 'a proven flow is proven for any code',
    file: 'claim.ts',
    before: 'signIn.hash !== request.hash || ',
    after: '',
  },
  {
    name: 'a sign-in is answered again for ever',
    file: 'claim.ts',
    before: ' || signIn.until <= now',
    after: '',
  },
  {
    name: 'tries are not counted',
    file: 'claim.ts',
    before: 'flow.attempts = (flow.attempts ?? 0) + 1\n',
    after: '',
  },
  {
    name: 'a session is opened again without end',
    file: 'claim.ts',
    before: 'if (repeats > request.repeats) return',
    after: 'if (repeats > 1000) return',
  },
]

/** What each fault breaks. Steps of one flow, which no limit is about. */
async function broken(inner: StepStore): Promise<string[]> {
  const store = createSteps(inner)
  const found: string[] = []
  const { ref } = await startFlow(store)
  const check = (given: Parameters<typeof checkRequest>[0] = {}, withRules = rules) =>
    store.claimCheck(ref, checkRequest(given), withRules)
  const first = checkRequest()
  await store.claimCheck(ref, first, { ...rules, attempts: 1 })
  await store.settleCheck(ref, first.attempt, { result: 'wrong', counted: 1 }, rules)
  if ((await check({}, { ...rules, attempts: 1 })).status !== 'attempts') {
    found.push('tries are not counted')
  }

  const proven = await startFlow(store)
  const attempt = newId(12)
  await store.claimCheck(proven.ref, checkRequest({ attempt }), rules)
  await store.settleCheck(proven.ref, attempt, { ...verified, window: 1 }, rules)
  await store.release(proven.ref, attempt)
  const other = checkRequest({ codeHash: 'hash-of-b' })
  if ((await store.claimCheck(proven.ref, other, rules)).status !== 'none') {
    found.push('a proven flow is proven for any code')
  }

  const opened = await startFlow(store)
  const opener = newId(12)
  await store.claimCheck(opened.ref, checkRequest({ attempt: opener }), rules)
  await store.settleCheck(opened.ref, opener, verified, rules)
  await store.complete(opened.ref, opener)
  for (let repeats = 0; repeats < 3; repeats++) {
    const again = checkRequest()
    await store.claimCheck(opened.ref, again, rules)
    await store.complete(opened.ref, opener, again.attempt)
  }
  if ((await store.claimCheck(opened.ref, checkRequest(), rules)).status !== 'none') {
    found.push('a session is opened again without end')
  }

  const late = await startFlow(store)
  const proof = newId(12)
  await store.claimCheck(late.ref, checkRequest({ attempt: proof }), rules)
  await store.settleCheck(late.ref, proof, { ...verified, lease: 60, window: 0.001 }, rules)
  await new Promise((resolve) => setTimeout(resolve, 5)) // the millisecond is the store's own
  const after = checkRequest({ attempt: proof })
  if ((await store.claimCheck(late.ref, after, rules)).status !== 'none') {
    found.push('a sign-in is answered again for ever')
  }
  return found
}

/** The stores of a copy of the package, whose Lua is made anew. */
async function storesWith(fault: Planted | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'tyntec-otp-planted-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(new URL('src', root), join(folder, 'src'), { recursive: true })
  await mkdir(join(folder, 'tools'))
  await cp(new URL('tools/build-scripts.ts', root), join(folder, 'tools/build-scripts.ts'))
  await cp(new URL('package.json', root), join(folder, 'package.json'))
  await symlink(new URL('node_modules', root), join(folder, 'node_modules'))
  if (fault) {
    const path = join(folder, 'src/store/steps', fault.file)
    const text = await readFile(path, 'utf8')
    expect(text.split(fault.before), `${fault.file} has changed`).toHaveLength(2)
    await writeFile(path, text.replace(fault.before, fault.after))
    const build = ['--import', 'tsx', 'tools/build-scripts.ts', '--step=claim']
    await run(process.execPath, build, { cwd: folder })
  }
  const load = (file: string): Promise<unknown> =>
    import(pathToFileURL(join(folder, 'src/store', file)).href)
  // Copies of what the types name.
  const memory = (await load('memory.ts')) as { createMemoryStore: typeof createMemoryStore }
  const redis = (await load('redis.ts')) as { createRedisStore: typeof createRedisStore }
  const connected = await createRedis()
  return {
    memory: memory.createMemoryStore(() => performance.now()),
    redis: redis.createRedisStore(connected.redis, { prefix: connected.prefix, timeout: 5 }),
  }
}

test('the steps as they are break nothing on either store', async () => {
  const { memory, redis } = await storesWith(undefined)
  expect([await broken(memory), await broken(redis)]).toEqual([[], []])
})

test.each(planted)('$name: found on both stores', { timeout: 60_000 }, async (fault) => {
  const { memory, redis } = await storesWith(fault)
  expect([await broken(memory), await broken(redis)]).toEqual([[fault.name], [fault.name]])
})
