import { expect, test } from 'vitest'
import { flowKinds, type Operation, setupFlow, signIn, statusOf } from '../support/flow.js'

/*
 * Whatever order a browser takes the steps in, each does what the ones before it allow, and tyntec
 * hears of nothing else.
 */

const steps = ['send', 'resend', 'right', 'wrong', 'cancel'] as const
type Step = (typeof steps)[number]
const longest = 5
/** Fewer than tyntec takes, so that it is ours that counts. */
const attempts = 2

/** What a browser has, as far as anybody can tell. */
interface Browser {
  state: 'none' | 'pending' | 'locked' | 'signed in' | 'over'
  tries: number
  /** The step that signed it in. Steps are 31 s apart, so the answer can be had again at the next one. */
  signedInAt: number
}

/** What a step has to say, and what tyntec has to be asked for it. */
function expected(
  browser: Browser,
  step: Step,
  at: number,
): [status: string, ...calls: Operation[]] {
  const { state } = browser
  const refused = state === 'locked' ? 'too_many_attempts' : 'no_pending_code'
  switch (step) {
    case 'send': {
      Object.assign(browser, { state: 'pending', tries: 0 })
      // The code that it had is gone, at tyntec too.
      return state === 'pending' ? ['sent', 'send', 'delete'] : ['sent', 'send']
    }
    case 'resend':
      if (state === 'pending') return ['sent', 'resend']
      if (state !== 'locked') return [refused]
      Object.assign(browser, { state: 'pending', tries: 0 })
      return ['sent', 'send']
    case 'right':
      if (state === 'signed in' && at === browser.signedInAt + 1) return ['repeated']
      if (state !== 'pending') return [refused]
      Object.assign(browser, { state: 'signed in', signedInAt: at })
      return ['opened', 'check']
    case 'wrong':
      if (state !== 'pending') return [refused]
      browser.tries += 1
      if (browser.tries < attempts) return ['invalid_code', 'check']
      browser.state = 'locked'
      return ['too_many_attempts', 'check']
    case 'cancel':
      if (state !== 'none') browser.state = 'over'
      return state === 'pending' ? ['cancelled', 'delete'] : ['cancelled']
  }
}

/** All orders of that many steps. */
function orders(length: number): Step[][] {
  if (length === 0) return [[]]
  return orders(length - 1).flatMap((order) => steps.map((step) => [...order, step]))
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

// proves: SES-2
test.each(flowKinds)('every order of five steps, on %s', { timeout: 120_000 }, async (kind) => {
  const plenty = { points: 100_000, duration: 3600 }
  const setup = await setupFlow(kind, {
    attempts,
    resendWaits: [30, 30, 30, 30, 30],
    limits: {
      sendsPerAddress: plenty,
      failuresPerAddress: plenty,
      failedNumbersPerAddress: plenty,
    },
    budget: { perHour: 100_000, perDay: 100_000 },
    validate: false,
  })
  const flow = setup.another({ baseUrl: setup.sandbox.url })
  // Before a send nothing is there, so of the orders that begin otherwise a tenth is enough. So it is
  // of those on Redis, whose steps are those of memory: see test/state-machine.test.ts.
  const all = orders(longest).filter(
    (order, index) => index % 10 === 3 || (order[0] === 'send' && kind === 'memory'),
  )
  const people = all.map((order, index) => ({
    order,
    number: `+1202557${String(index).padStart(4, '0')}`,
    browser: { state: 'none', tries: 0, signedInAt: -1 } as Browser,
    handle: undefined as string | undefined,
    code: '',
    said: [] as string[],
    meant: [] as string[],
  }))

  const take = async ({ number, ...person }: (typeof people)[number], step: Step, at: number) => {
    const { handle, code } = person
    const onHandle = (given: string) => (person.handle = given)
    const given = (status: string) => ({ status, handle: person.handle })
    switch (step) {
      case 'send':
        return statusOf(flow.send({ number, handle, onHandle })).then(given)
      case 'resend':
        return statusOf(flow.resend({ handle, onHandle })).then(given)
      case 'right':
        return { status: await signIn(flow, handle ?? '', code || '123456') }
      case 'wrong': {
        // Another one each time: the same again would cost no try.
        const wrong = String((Number(code) + 1 + at) % 1_000_000).padStart(6, '0')
        return { status: await signIn(flow, handle ?? '', wrong) }
      }
      case 'cancel':
        await flow.cancel({ handle })
        return { status: 'cancelled' }
    }
  }

  for (let at = 0; at < longest; at += 1) {
    const calls: string[] = []
    const left = [...people]
    const worker = async () => {
      for (let person = left.pop(); person; person = left.pop()) {
        const step = person.order[at] ?? 'cancel'
        const [status, ...asked] = expected(person.browser, step, at)
        person.meant.push(`${step}: ${status}`)
        calls.push(...asked)
        const taken = await take(person, step, at)
        person.said.push(`${step}: ${taken.status}`)
        if (!('handle' in taken)) continue
        person.handle = taken.handle
        const { number } = person
        person.code = setup.sandbox.messages().findLast(({ to }) => to === number)?.code ?? ''
      }
    }
    await Promise.all(Array.from({ length: 20 }, worker))
    const other = people.filter(({ said, meant }) => said.join() !== meant.join())
    expect(other.slice(0, 3)).toEqual([])
    const journal = (await setup.calls()).map(({ operation }) => operation)
    expect(tally(journal)).toEqual(tally(calls))
    await fetch(`${setup.sandbox.url}/_sandbox/requests`, { method: 'DELETE' })
    // So long that a message may go out again, and not so long that a code is over.
    await setup.advance(31)
  }
})
