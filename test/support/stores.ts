import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import type { FlowRef } from '../../src/secrets/secrets.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { createRedisStore } from '../../src/store/redis.js'
import type { StepStore } from '../../src/store/store.js'
import { createRedis } from './redis.js'
import { clientLibraries } from './redis-clients.js'
import {
  type CheckClaim,
  type CheckRequest,
  type CheckRules,
  createSteps,
  type ResendRequest,
  type SendRequest,
  type StoreSteps,
} from './steps.js'

/** `memory`, or the library of the client that the store has. */
export type StoreKind = string
const libraries: readonly StoreKind[] = clientLibraries.map(({ name }) => name)
/** Mutation tests change what is ours: one client is enough to see it, and none for the steps, which Redis has compiled. */
export const storeKinds: readonly StoreKind[] =
  process.env.MUTATION_TESTS === undefined
    ? [...libraries, 'memory']
    : process.env.MUTATION_REDIS === 'yes'
      ? ['ioredis 6', 'memory']
      : ['memory']

export interface TestStore {
  store: StoreSteps
  /** What is below these steps. */
  inner: StepStore
  /** Makes everything stored this much older. */
  advance(seconds: number): Promise<void>
  /** What Redis holds under the prefix; nothing for the memory store. */
  dump(): Promise<Entry[]>
}

export interface Entry {
  key: string
  /** Milliseconds; negative when the key has none. */
  ttl: number
  value: unknown
}

/** A store of its own for this test, whose time can be moved. */
export async function setupStore(kind: StoreKind): Promise<TestStore> {
  if (kind === 'memory') {
    let offset = 0
    const inner = createMemoryStore(() => performance.now() + offset)
    return {
      store: createSteps(inner),
      inner,
      advance: async (seconds) => void (offset += seconds * 1000),
      dump: async () => [],
    }
  }
  const library = clientLibraries.find(({ name }) => name === kind)
  if (!library) throw new Error(`there is no ${kind}`)
  const { redis, prefix, url } = await createRedis()
  const { client, close } = await library.connect(url)
  onTestFinished(close)
  // On a busy machine Redis is slow, not away.
  const inner = createRedisStore(client, { prefix, timeout: 5 })
  return {
    store: createSteps(inner),
    inner,
    advance: (seconds) => advanceRedis(redis, prefix, seconds),
    dump: () => dumpRedis(redis, prefix),
  }
}

/** Redis's own clock can't be moved, so its records are moved against it. */
const older = `
local times = {created = 1, expires = 1, sent = 1, kept = 1, lease = 1, askedAt = 1, ends = 1, at = 1,
  ['until'] = 1, wait = 1, waitBefore = 1, last = 1, passed = 1}
local past = tonumber(ARGV[2])
local function move(record)
  for name, value in pairs(record) do
    if type(value) == 'table' then
      move(value)
    elseif times[name] and type(value) == 'number' and value > 1000000 then
      record[name] = math.max(value - past, 1)
    end
  end
end
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local ttl = redis.call('PTTL', key)
    if redis.call('TYPE', key).ok == 'string' and not string.find(key, ':note:', 1, true) then
      local read, record = pcall(cmsgpack.unpack, redis.call('GET', key))
      if read and type(record) == 'table' then
        move(record)
        redis.call('SET', key, cmsgpack.pack(record), 'KEEPTTL')
      end
    end
    if ttl >= 0 then redis.call('PEXPIRE', key, ttl - past) end
  end
until cursor == '0'
return 1`

export async function advanceRedis(redis: Redis, prefix: string, seconds: number): Promise<void> {
  await redis.eval(older, 0, prefix, Math.round(seconds * 1000))
}

const everything = `
local found = {}
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local type_ = redis.call('TYPE', key).ok
    local value = type_ == 'string' and redis.call('GET', key) or type_
    local read, record = pcall(cmsgpack.unpack, value)
    if read and type(record) == 'table' then value = cjson.encode(record) end
    found[#found + 1] = {key, redis.call('PTTL', key), value}
  end
until cursor == '0'
return found`

export async function dumpRedis(redis: Redis, prefix: string): Promise<Entry[]> {
  // The script's reply: key, milliseconds, value.
  const found = (await redis.eval(everything, 0, prefix)) as [string, number, unknown][]
  return found
    .map(([key, ttl, value]) => ({ key: key.slice(prefix.length), ttl, value: toValue(value) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** A record by its fields, or whatever else stands there. */
function toValue(value: unknown): unknown {
  try {
    return JSON.parse(String(value))
  } catch {
    return value
  }
}

export const rules: CheckRules = {
  attempts: 3,
  freeFailures: 5,
  failureWindow: 900,
  failureWait: 30,
  failureMaxWait: 3600,
  disableAt: 100,
  browserFailures: 5,
  browserWindow: 86_400,
}

export function newId(bytes = 16): string {
  return randomBytes(bytes).toString('base64url')
}

export function newRef(number = newId()): FlowRef {
  return { number, flow: newId(), flowId: newId(), keyId: 'key1', browserTag: undefined }
}

export function sendRequest(given: Partial<SendRequest> = {}): SendRequest {
  return {
    reference: newId(),
    number: 'sealed-number',
    via: 'sms',
    lease: 10,
    cooldown: 30,
    lifetime: 300,
    current: undefined,
    lookedUp: false,
    lookupEvery: 3,
    ...given,
  }
}

export function resendRequest(given: Partial<ResendRequest> = {}): ResendRequest {
  return {
    reference: newId(),
    via: 'sms',
    lease: 10,
    waits: [30, 60, 120],
    cooldown: 30,
    renewBelow: 60,
    lifetime: 300,
    maxLifetime: 600,
    lookedUp: false,
    ...given,
  }
}

export const sent = { result: 'sent', otp: 'sealed-otp', lifetime: 300, maxLifetime: 600 } as const

/** A flow whose code is on its way. */
export async function startFlow(
  store: StoreSteps,
  ref = newRef(),
  request: Partial<SendRequest> = {},
): Promise<{ ref: FlowRef; reference: string }> {
  const full = sendRequest(request)
  const reservation = await store.reserveSend(ref, full)
  if (reservation.status !== 'reserved') throw new Error(`the send is ${reservation.status}`)
  await store.settleSend(ref, full.reference, sent)
  return { ref, reference: full.reference }
}

export function checkRequest(given: Partial<CheckRequest> = {}): CheckRequest {
  return {
    attempt: newId(12),
    codeHash: 'hash-of-a',
    lease: 10,
    window: 60,
    openingLease: 35,
    joining: false,
    again: false,
    lookupEvery: 3,
    ...given,
  }
}

/** Claims a check and ends it at once, as a wrong one unless said otherwise. */
export async function claim(
  store: StoreSteps,
  ref: FlowRef,
  given: Partial<CheckRequest> = {},
  withRules: CheckRules = rules,
): Promise<CheckClaim & { attemptId: string }> {
  const request = checkRequest(given)
  return { ...(await store.claimCheck(ref, request, withRules)), attemptId: request.attempt }
}

export const verified = {
  result: 'verified',
  codeHash: 'hash-of-a',
  lease: 10,
  window: 60,
} as const

export const wrong = { result: 'wrong', counted: undefined } as const

/** One wrong code in a flow that takes any number of them. */
export async function failOnce(store: StoreSteps, ref: FlowRef): Promise<CheckClaim> {
  const patient = { ...rules, attempts: 1000 }
  const { attemptId, ...claimed } = await claim(store, ref, {}, patient)
  if (claimed.status === 'claimed') await store.settleCheck(ref, attemptId, wrong, patient)
  return claimed
}
