import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSecrets, type FlowRef } from '../../src/secrets/secrets.js'
import {
  type CheckResult,
  type CheckRules,
  createSteps,
  type SendResult,
  type StoreSteps,
} from '../support/steps.js'
import { subject } from '../model/subject.js'
import { timedMemory, timedRedis } from '../model/timed.js'
import type { TimedStore } from '../model/world.js'
import { createRedis } from '../support/redis.js'

/*
 * docs/state-machine.md holds a table for each step of the store: a row for each state, a column
 * for each thing that can be asked, and in the cell the answer and the state after it. Here every
 * cell is done on both stores.
 */

const lease = 10
const rules: CheckRules = {
  attempts: 3,
  freeFailures: 5,
  failureWindow: 900,
  failureWait: 30,
  failureMaxWait: 3600,
  disableAt: 100,
  browserFailures: 5,
  browserWindow: 900,
}

type Machine = Omit<TimedStore, 'store'> & { store: StoreSteps; ref: FlowRef; other: FlowRef }
type Step = (machine: Machine) => Promise<unknown>

const reserveSend = (
  { store, ref }: Machine,
  current?: FlowRef,
  lookedUp = false,
  reference = 'send-1',
) =>
  store.reserveSend(ref, {
    reference,
    number: 'sealed',
    via: 'sms',
    lease,
    cooldown: 30,
    lifetime: 300,
    current,
    lookedUp,
    lookupEvery: 3,
  })

const settleSend = ({ store, ref }: Machine, result: SendResult, reference = 'send-1') =>
  store.settleSend(ref, reference, result)

const sent: SendResult = { result: 'sent', otp: 'sealed', lifetime: 300, maxLifetime: 600 }

const reserveResend = ({ store, ref }: Machine, options: object = {}) =>
  store.reserveResend(ref, {
    reference: 'resend-1',
    via: 'sms',
    lease,
    waits: [0],
    cooldown: 30,
    renewBelow: 60,
    lifetime: 300,
    maxLifetime: 600,
    lookedUp: false,
    ...options,
  })

const claimCheck = (
  { store, ref }: Machine,
  attempt: string,
  codeHash: string,
  joining = false,
  again = false,
) =>
  store.claimCheck(
    ref,
    {
      attempt,
      codeHash,
      lease,
      openingLease: 35,
      window: 60,
      joining,
      again,
      lookupEvery: 3,
    },
    rules,
  )

const settleCheck = ({ store, ref }: Machine, result: CheckResult, attempt = 'try-1') =>
  store.settleCheck(ref, attempt, result, rules)

const proven: CheckResult = {
  result: 'verified',
  codeHash: 'code-1',
  reference: 'send-1',
  lease,
  window: 60,
}
const wrong: CheckResult = { result: 'wrong', counted: 1 }

/** How a flow comes into each state. */
const states: Record<string, Step[]> = {
  none: [],
  sending: [reserveSend],
  'sending, lease over': [reserveSend, pass(lease + 1)],
  unconfirmed: toUnconfirmed(),
  'unconfirmed, looked for': [...toUnconfirmed(), lookFor],
  'unconfirmed, not found': [
    ...toUnconfirmed(),
    lookFor,
    (it) => settleSend(it, { result: 'unconfirmed' }),
  ],
  pending: [reserveSend, (it) => settleSend(it, sent)],
  'pending, time over': [reserveSend, (it) => settleSend(it, sent), pass(301)],
  resending: [reserveSend, (it) => settleSend(it, sent), reserveResend],
  checking: [...toPending(), claimFirst],
  'checking, lease over': [...toPending(), claimFirst, pass(lease + 1)],
  unresolved: [...toPending(), claimFirst, (it) => settleCheck(it, { result: 'unresolved' })],
  wrong: [...toPending(), claimFirst, (it) => settleCheck(it, wrong)],
  late: [
    ...toPending(),
    claimFirst,
    (it) => settleCheck(it, { result: 'unprocessed', late: true }),
  ],
  verified: [...toPending(), claimFirst, (it) => settleCheck(it, proven)],
  'verified, free': [
    ...toPending(),
    claimFirst,
    (it) => settleCheck(it, proven),
    ({ store, ref }) => store.release(ref, 'try-1'),
  ],
  completed: toCompleted(),
  // Our answer was lost, and the same browser has come again with the same code.
  'completed, opening again': [...toCompleted(), (it) => claimCheck(it, 'try-2', 'code-1')],
  'completed, used up': [...toCompleted(), openAgain('a'), openAgain('b'), openAgain('c')],
  refused: [
    ...toPending(),
    claimFirst,
    (it) => settleCheck(it, proven),
    ({ store, ref }) => store.complete(ref, 'try-1', 'try-1', undefined, 'sealed'),
  ],
  'dead: attempts': [
    ...toPending(),
    claimFirst,
    (it) => settleCheck(it, { result: 'over', end: 'attempts', failed: true }),
  ],
}

function pass(seconds: number): Step {
  return (machine) => machine.advance(seconds)
}

function toUnconfirmed(): Step[] {
  return [reserveSend, (it) => settleSend(it, { result: 'unconfirmed' })]
}

/** As a reader does that is told to. */
function lookFor({ store, ref }: Machine) {
  return store.read(ref, 3)
}

function toPending(): Step[] {
  return [reserveSend, (it) => settleSend(it, sent)]
}

function toCompleted(): Step[] {
  return [
    ...toPending(),
    claimFirst,
    (it) => settleCheck(it, proven),
    ({ store, ref }) => store.complete(ref, 'try-1'),
  ]
}

function openAgain(opener: string): Step {
  return async (it) => {
    await claimCheck(it, opener, 'code-1')
    return it.store.complete(it.ref, 'try-1', opener)
  }
}

function claimFirst(machine: Machine) {
  return claimCheck(machine, 'try-1', 'code-1')
}

/** What can be asked, by step and column. */
const steps: Record<string, Record<string, Step>> = {
  send: {
    'same number': (it) => reserveSend({ ...it, ref: it.other }, it.ref),
    'looked up': (it) => reserveSend({ ...it, ref: it.other }, it.ref, true),
    'after the cooldown': async (it) => {
      await it.advance(31)
      return reserveSend({ ...it, ref: it.other }, it.ref, true)
    },
    'clicked again': (it) => reserveSend(it, undefined, false, 'send-2'),
    'sent again': (it) => reserveSend(it),
  },
  settleSend: {
    sent: (it) => settleSend(it, sent),
    failed: (it) => settleSend(it, { result: 'failed' }),
    unconfirmed: (it) => settleSend(it, { result: 'unconfirmed' }),
    "another send's": (it) => settleSend(it, sent, 'send-2'),
  },
  resend: {
    first: (it) => reserveResend(it, { reference: 'resend-2' }),
    'looked up': (it) => reserveResend(it, { reference: 'resend-2', lookedUp: true }),
    'too soon': (it) => reserveResend(it, { reference: 'resend-2', waits: [600], lookedUp: true }),
    'none left': (it) => reserveResend(it, { reference: 'resend-2', waits: [], lookedUp: true }),
  },
  settleResend: {
    sent: ({ store, ref }) => store.settleResend(ref, 'resend-1', 'sent'),
    failed: ({ store, ref }) => store.settleResend(ref, 'resend-1', 'failed'),
    renew: ({ store, ref }) => store.settleResend(ref, 'resend-1', 'renew'),
    "another resend's": ({ store, ref }) => store.settleResend(ref, 'resend-2', 'sent'),
  },
  claim: {
    'same code': (it) => claimCheck(it, 'try-3', 'code-1'),
    'another code': (it) => claimCheck(it, 'try-3', 'code-2'),
    'joining, same code': (it) => claimCheck(it, 'try-3', 'code-1', true),
    'joining, and again': (it) => claimCheck(it, 'try-3', 'code-1', true, true),
    'a minute later': async (it) => {
      await it.advance(61)
      return claimCheck(it, 'try-3', 'code-1')
    },
    'sent again': (it) => claimCheck(it, 'try-1', 'code-1'),
  },
  settleCheck: {
    verified: (it) => settleCheck(it, proven),
    wrong: (it) => settleCheck(it, wrong),
    over: (it) => settleCheck(it, { result: 'over', end: 'expired', failed: false }),
    unprocessed: (it) => settleCheck(it, { result: 'unprocessed', late: false }),
    'unprocessed, late': (it) => settleCheck(it, { result: 'unprocessed', late: true }),
    unasked: (it) => settleCheck(it, { result: 'unasked', late: false }),
    unresolved: (it) => settleCheck(it, { result: 'unresolved' }),
    "another try's": (it) => settleCheck(it, wrong, 'try-2'),
  },
  complete: {
    'the proof': ({ store, ref }) => store.complete(ref, 'try-1'),
    'the proof, to another opener': ({ store, ref }) => store.complete(ref, 'try-1', 'try-2'),
    "another try's": ({ store, ref }) => store.complete(ref, 'try-2'),
  },
  release: {
    'the proof': ({ store, ref }) => store.release(ref, 'try-1'),
    "another try's": ({ store, ref }) => store.release(ref, 'try-2'),
  },
  endFlow: { cancelled: ({ store, ref }) => store.end(ref, 'cancelled') },
}

/** The state a flow is in, as its steps tell it. The flow is used up by being asked. */
async function stateOf(machine: Machine): Promise<string> {
  const { store, ref } = machine
  const record = await store.read(ref, 3)
  if (!record) return 'none'
  switch (record.state) {
    case 'unconfirmed':
      if (record.busy) return 'unconfirmed, looked for'
      return record.lookupDue ? 'unconfirmed' : 'unconfirmed, not found'
    case 'sending': {
      const claim = await claimCheck(machine, 'probe', 'code-1')
      return claim.status === 'sending' ? 'sending' : 'sending, lease over'
    }
    case 'verified': {
      const claim = await claimCheck(machine, 'probe', 'code-1')
      return claim.status === 'join' ? 'verified' : 'verified, free'
    }
    case 'completed': {
      const { status } = await claimCheck(machine, 'probe', 'code-1')
      if (status === 'join') return 'completed, opening again'
      if (status === 'refused') return 'refused'
      return status === 'verified' ? 'completed' : 'completed, used up'
    }
    case 'dead':
      return `dead: ${record.end}`
    case 'pending':
      break
    default:
      return record.state
  }
  if (record.expiresIn <= 0) return 'pending, time over'
  const resend = await reserveResend(machine, { reference: 'probe', waits: [] })
  const joined = await claimCheck(machine, 'probe', 'code-1', true)
  if (joined.status === 'join') return 'checking'
  if (joined.status === 'wrong') return 'wrong'
  if (joined.status === 'unresolved') return 'checking, lease over'
  const claim = await claimCheck(machine, 'probe', 'code-9')
  if (claim.status === 'busy') return 'checking'
  if (claim.status === 'unresolved') return 'unresolved'
  if (claim.status === 'claimed' && claim.earlier !== 'none') return 'late'
  return resend.status === 'busy' ? 'resending' : 'pending'
}

/** As the table has it: the answer, and the state when it has changed. */
function cellOf(answer: unknown, from: string, to: string): string {
  const said = wordsOf(answer)
  return from === to ? said : `${said} → ${to}`
}

function wordsOf(answer: unknown): string {
  if (typeof answer === 'boolean') return answer ? 'true' : 'false'
  if (typeof answer !== 'object' || answer === null) return '–'
  if (!('status' in answer)) return 'the record'
  if ('repeated' in answer && answer.repeated === true) return 'verified, repeated'
  const earlier =
    'earlier' in answer && answer.earlier !== 'none' ? ` (${String(answer.earlier)})` : ''
  return `${String(answer.status)}${earlier}`
}

const secrets = createSecrets(['a secret of the state machine, long enough'])

function machineOf(timed: TimedStore): Machine {
  const [tag] = secrets.numberTags('+12025550143')
  const newRef = () => {
    return secrets.createHandle(tag, undefined).ref
  }
  return { ...timed, store: createSteps(timed.store), ref: newRef(), other: newRef() }
}

async function drive(timed: TimedStore, from: string, step: Step): Promise<string> {
  const machine = machineOf(timed)
  for (const before of states[from] ?? []) await before(machine)
  const answer = await step(machine)
  return cellOf(answer, from, await stateOf(machine))
}

/** The tables of the page, by step, state and column. */
function readTables(markdown: string): Map<string, Map<string, Map<string, string>>> {
  const tables = new Map<string, Map<string, Map<string, string>>>()
  for (const section of markdown.split(/^### /m).slice(1)) {
    const method = /^`(\w+)`/.exec(section)?.[1]
    const rows = section.split('\n').filter((line) => line.startsWith('|'))
    const [head, , ...body] = rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    if (method === undefined || !head) continue
    const table = new Map<string, Map<string, string>>()
    for (const [state = '', ...cells] of body) {
      table.set(state, new Map(cells.map((cell, index) => [head[index + 1] ?? '', cell])))
    }
    tables.set(method, table)
  }
  return tables
}

const documented = readTables(
  readFileSync(new URL('../../docs/state-machine.md', import.meta.url), 'utf8'),
)

const stores: Record<string, () => Promise<() => TimedStore>> = {
  memory: async () => () => timedMemory(subject),
  Redis: async () => {
    const { redis, prefix } = await createRedis()
    let flows = 0
    return () => timedRedis(redis, `${prefix}${(flows += 1)}:`)
  },
}

describe.each(Object.entries(stores))('the state machine of the %s store', (_, open) => {
  // proves: SES-2
  test.each(Object.entries(steps))('answers %s as the page says', async (method, columns) => {
    const fresh = await open()
    const table: Record<string, Record<string, string>> = {}
    for (const from of Object.keys(states)) {
      const row: Record<string, string> = {}
      for (const [column, step] of Object.entries(columns)) {
        row[column] = await drive(fresh(), from, step)
      }
      table[from] = row
    }
    const page = documented.get(method) ?? new Map<string, Map<string, string>>()
    const written = Object.fromEntries(
      [...page].map(([state, cells]) => [state, Object.fromEntries(cells)]),
    )
    if (process.env.PRINT_STATE_MACHINE) console.log(toMarkdown(method, table))
    expect(written).toEqual(table)
  })
})

/** For whoever has changed the machine on purpose: `PRINT_STATE_MACHINE=1`. */
function toMarkdown(method: string, table: Record<string, Record<string, string>>): string {
  const columns = Object.keys(Object.values(table)[0] ?? {})
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [
    `### \`${method}\``,
    '',
    line(['state', ...columns]),
    line(['---', ...columns.map(() => '---')]),
    ...Object.entries(table).map(([state, row]) =>
      line([state, ...columns.map((column) => row[column] ?? '')]),
    ),
    '',
  ].join('\n')
}
