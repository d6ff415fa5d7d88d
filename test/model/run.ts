import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckOutcome, OtpFlow, OtpOptions } from '../../src/index.js'
import type { Message } from '../../src/sandbox/index.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import type { OtpStatusEntity } from '../../src/sandbox/otp/entity.js'
import {
  type Checked,
  createJourney,
  end as endProof,
  type Held,
  type Journey,
  type Ledgered,
  judge,
  mustRepeat,
} from './journey.js'
import { faultOf, ledgerOf, sentBy, withIds } from './own.js'
import type { Action, Batch, Code, End, Plan, Trouble } from './plan.js'
import { createReference, type Reference } from './reference.js'
import {
  type Track,
  numbers,
  randomOf,
  secret,
  type Step,
  type TimedStore,
  type World,
} from './world.js'

/** Tries that a flow gets back at the most, as its steps have it. */
const mostRefunds = 10

/** An invariant of the model does not hold, or the reference says something else. */
export class Violation extends Error {
  override name = 'Violation'
}

const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']
const cooldown = 30

/** What happened in all runs, for whoever wants to know what was reached. */
export const seen = new Map<string, number>()

export async function runPlan(
  track: Track,
  timed: TimedStore,
  plan: Plan,
  mode: 'wild' | 'calm',
): Promise<void> {
  const run = createRun(track, timed, plan, mode)
  try {
    await run.start()
    for (const batch of plan.batches) await run.batch(batch)
    if (mode === 'wild') {
      await run.arrive()
      await run.repair()
    }
    await run.finish()
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new Violation(`${reason}\n\nWhat happened:\n  ${run.trace.join('\n  ')}`)
  }
}

function createRun(track: Track, timed: TimedStore, plan: Plan, mode: 'wild' | 'calm') {
  const trace: string[] = []
  const day = 86_400
  const many = { points: 1000, duration: day }
  const options: Partial<OtpOptions> = {
    attempts: plan.attempts,
    limits: {
      failuresPerNumber: { free: plan.free },
      sendsPerNumber: [plan.tight ? { points: plan.tight, duration: day } : many],
      sendsPerAddress: mode === 'wild' && plan.tight ? { points: 10, duration: day } : many,
      messagesPerAddressAndNumber: [many],
      failuresPerAddress: many,
      failedNumbersPerAddress: many,
    },
    budget: {
      reserve: 0,
      perHour: 10_000,
      perDay: plan.tight ? plan.tight + 2 : 10_000,
    },
  }
  const world: World = {
    timed,
    flowOf: new Map(),
    keptBy: new Map(),
    waits: 0,
  }
  const workers = track.startWorkers(plan.workers, options, plan.own)
  /** A process is gone with all that it was doing, and another takes its place. */
  function restart(index: number, running: Set<Step>): void {
    workers.splice(index, 1, ...track.startWorkers(1, options, plan.own))
    for (const other of running) {
      if (other.worker !== index || other.dead) continue
      other.dead = true
      other.gone()
      // What it had sent may still arrive.
      late += 1
    }
  }
  const jars: (string | undefined)[] = Array.from({ length: plan.browsers }, () => undefined)
  const journeys = new Map<string, Journey>()
  const tokens = jars.map(() => (plan.pages ? workers[0]?.createPageToken() : undefined))
  const held: Held[] = []
  /** Requests that are under way, and arrive in a later batch. */
  const underWay: { due: number; action: Action; handle: string | undefined }[] = []
  let batches = 0
  /** Messages of each number so far, whenever an operator has unlocked it. */
  const unlocked = new Map<string, number[]>()
  const ledger = new Map<string, Ledgered>()
  const reference: Reference | undefined = mode === 'calm' ? createReference(plan) : undefined
  let journal: JournalEntry[] = []
  let messages: Message[] = []
  let offset = 0
  /** Time has passed, or a process has died, while something was on its way to tyntec. */
  let late = 0
  /** Failures of each number as tyntec has seen them, and until when no code may be tried. */
  const failing = new Map<string, { recent: number; last: number; wait: number }>()
  const secrets: string[] = [secret]

  const now = () => Date.now() + offset
  const arrived = () => {
    const all = track.sandbox.messages()
    return plan.own ? withIds(all) : all
  }
  const note = (line: string) => void trace.push(line)
  const count = (name: string) => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const flowKey = (handle: string | undefined) =>
    handle === undefined ? undefined : track.secrets.parseHandle(handle)?.flow
  const journeyOf = (handle: string | undefined) => journeys.get(flowKey(handle) ?? '')
  const worker = (index: number): OtpFlow => {
    const flow = workers[index]
    if (!flow) throw new Error('no such worker')
    return flow
  }

  async function advance(seconds: number): Promise<void> {
    offset += seconds * 1000
    await timed.advance(seconds)
    await track.control('POST', 'clock', { advance: seconds })
  }

  /** Runs one call of the flow. Resolves when it has ended or its process is gone. */
  async function step<T>(
    input: { seed: number; trouble: Trouble | undefined; worker: number },
    running: Set<Step>,
    call: () => Promise<T>,
  ): Promise<{ value: T } | { error: unknown } | 'dead'> {
    const { promise: death, resolve: died } = withResolver<'dead'>()
    const step: Step = {
      world,
      trouble: input.trouble,
      random: randomOf(input.seed),
      calls: 0,
      dead: false,
      waiting: false,
      worker: input.worker,
      gone: () => died('dead'),
      died() {
        step.gone()
        restart(input.worker, running)
      },
    }
    running.add(step)
    const ending = track.steps.run(step, call).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    const end = await Promise.race([ending, death])
    running.delete(step)
    // What a process that died had sent may still arrive.
    if (end === 'dead' && input.trouble?.kind === 'crash-later') late += 1
    return end
  }

  function settled(end: { value: { status: string } } | { error: unknown } | 'dead'): string {
    if (end === 'dead') return 'died'
    if ('value' in end) return end.value.status
    if (!(end.error instanceof Error) || end.error.name !== 'OtpError') throw end.error
    const { code } = end.error as Error & { code: string } // an OtpError, maybe a mutant's
    if (code === 'ERR_OTP_MISUSE' || code === 'ERR_OTP_OPTIONS') throw end.error
    secretsIn(end.error.message)
    return code
  }

  /** A new flow, or another click on the page that has begun this one. */
  function begin(browser: number, number: string, handle: string, began: number): void {
    const key = flowKey(handle) ?? ''
    const known = journeys.get(key)
    if (known) known.clicks += 1
    else journeys.set(key, createJourney({ browser, number, handle, began }))
  }

  async function act(
    action: Action,
    running: Set<Step>,
    handle = jars[action.browser],
  ): Promise<void> {
    const { browser } = action
    const flow = worker(action.worker)
    const address = addresses[browser]
    const journey = journeyOf(handle)
    const label = `${browser}@${action.worker} ${action.type}`
    const fine = action.trouble ? ` (${action.trouble.kind} ${action.trouble.at})` : ''
    switch (action.type) {
      case 'send': {
        const number = numbers[action.number] ?? ''
        const expected = reference?.send(browser, action.number, now())
        const began = now()
        let given: string | undefined
        const end = await step(action, running, () =>
          flow.send({
            number,
            address,
            handle,
            pageToken: tokens[browser],
            onHandle(made) {
              given = made
              if (!action.lost) jars[browser] = made
              // Nothing went out: the browser keeps the flow it had.
              if (made === handle) return
              if (journey) journey.ended = true
              begin(browser, number, made, began)
            },
          }),
        )
        const outcome = settled(end)
        if (end !== 'dead' && 'value' in end && 'handle' in end.value && !action.lost) {
          const current = end.value.handle
          if (current !== given && current !== handle) fail('send gave a handle of another flow')
        }
        note(`${label} ${number}${action.lost ? ' lost' : ''}${fine} → ${outcome}`)
        count(`send ${outcome}`)
        if (expected !== undefined && outcome !== expected) {
          fail(`send is ${outcome}, not ${expected}`)
        }
        return
      }
      case 'resend': {
        if (journey) {
          journey.clicks += 1
          journey.resent = true
        }
        const expected = reference?.resend(browser, now())
        const began = now()
        const end = await step(action, running, () =>
          flow.resend({
            handle,
            address,
            // The flow has ended by itself, and a new one begins with its number.
            onHandle(made) {
              if (!action.lost) jars[browser] = made
              if (made === handle || !journey) return
              journey.ended = true
              journey.clicks -= 1
              begin(browser, journey.number, made, began)
            },
          }),
        )
        const outcome = settled(end)
        note(`${label}${action.lost ? ' lost' : ''}${fine} → ${outcome}`)
        count(`resend ${outcome}`)
        if (expected !== undefined && outcome !== expected) {
          fail(`resend is ${outcome}, not ${expected}`)
        }
        return
      }
      case 'check':
        return check(action, running, flow, handle)
      case 'finish': {
        const index = held.findIndex(({ journey }) => journey.browser === browser)
        const [found] = index < 0 ? [] : held.splice(index, 1)
        if (!found) return
        let said = action.how === 'hold' ? 'held' : ''
        if (action.how === 'hold') held.push(found)
        const end = await step(action, running, async () => {
          said = await finishWith(flow, found, action.how)
          return { status: said }
        })
        openedBy(found, action.how)
        const { opened } = found.journey.login
        note(`${label} ${action.how}${fine} → ${settled(end)} ${said}, ${opened.size} logins`)
        return
      }
      case 'status': {
        const expected = reference?.status(browser, now())
        const end = await step(action, running, () => flow.status({ handle }))
        const outcome = settled(end)
        note(`${label}${fine} → ${outcome}`)
        if (expected !== undefined && outcome !== expected) {
          fail(`status is ${outcome}, not ${expected}`)
        }
        return
      }
      case 'cancel': {
        if (journey) journey.ended = true
        reference?.cancel(browser)
        const end = await step(action, running, async () => {
          await flow.cancel({ handle })
          return { status: 'cancelled' }
        })
        const outcome = settled(end)
        if (journey && outcome === 'cancelled') journey.cancelled = true
        note(`${label}${fine} → ${outcome}`)
      }
    }
  }

  async function finishWith(flow: OtpFlow, proven: Held, how: End): Promise<string> {
    const ended = await endProof(flow, proven, how, now)
    return 'wrong' in ended ? fail(ended.wrong) : ended.said
  }

  /** The step has ended, or its process has: by now the session is open, if it ever will be. */
  function openedBy({ journey: { login }, repeated }: Held, how: End): void {
    if (how === 'hold' || how === 'release' || repeated || login.opened.size > 0) return
    login.openedBy = now()
  }

  /** The newest codes that phones have got for this flow; for others of the number. */
  function codesOf(journey: Journey): { own: string[]; others: string[] } {
    const key = flowKey(journey.handle)
    const own: string[] = []
    const others: string[] = []
    for (const { otpId, to, code } of arrived()) {
      if (to !== journey.number) continue
      const owner = world.keptBy.get(otpId) ?? flowOfOtp(otpId)
      ;(owner === key ? own : others).unshift(code)
    }
    return { own, others }
  }

  function flowOfOtp(otpId: string): string | undefined {
    const referenceId = ledger.get(otpId)?.referenceId
    return referenceId ? world.flowOf.get(referenceId) : undefined
  }

  function wrong(code: string): string {
    return String((Number(code) + 1) % 1_000_000).padStart(6, '0')
  }

  function codeFor(action: Action & { type: 'check' }, journey: Journey | undefined): string {
    const { own, others } = journey ? codesOf(journey) : { own: [], others: [] }
    const right = own[0] ?? others[0] ?? '000000'
    switch (action.code) {
      case 'right':
        return right
      case 'again':
        return journey?.login.code ?? right
      case 'wrong':
        return wrong(right)
      case 'before':
        return own.find((code) => code !== right) ?? wrong(right)
      case 'stolen':
        return others[0] ?? arrived().at(-1)?.code ?? wrong(right)
      case 'malformed':
        return '12a456'
    }
  }

  async function check(
    action: Action & { type: 'check' },
    running: Set<Step>,
    flow: OtpFlow,
    handle: string | undefined,
  ): Promise<void> {
    const { browser } = action
    const journey = journeyOf(handle)
    const code = codeFor(action, journey)
    const checked: Checked = { code, began: now(), outcome: undefined }
    if (action.code !== 'malformed') journey?.checks.push(checked)
    const newest = [...ledger.values()].filter((otp) => otp.journey === journey).at(-1)
    const expected = reference?.check(browser, code, newest?.code === code, action.end, now())
    const input = { handle, code, address: addresses[browser] }
    let outcome: CheckOutcome | undefined
    let proven: Held | undefined
    let finish = 'nothing'
    const ask = async (again: boolean): Promise<CheckOutcome> => {
      const answer = await flow.check({ ...input, again })
      outcome = answer
      checked.outcome = answer.status
      const wrong = journey
        ? judge(journey, checked, answer)
        : 'identity' in answer && 'signed in without a flow'
      if (wrong) fail(wrong)
      if ('identity' in answer && answer.identity.number !== journey?.number) {
        fail('signed in with another number')
      }
      // It can't take the session that another request has opened.
      return answer.status === 'signed_in' && action.again && !again ? ask(true) : answer
    }
    const end = await step(action, running, async () => {
      const answer = await ask(false)
      if (answer.status !== 'verified' || !journey) return answer
      const { proof, identity } = answer
      proven = { journey, proof, repeated: identity.repeated }
      if (action.end === 'hold') held.push(proven)
      finish = await finishWith(flow, proven, action.end)
      return answer
    })
    if (proven) openedBy(proven, action.end)
    const status = settled(end)
    checked.outcome ??= status
    const fine = action.trouble ? ` (${action.trouble.kind} ${action.trouble.at})` : ''
    note(
      `${browser}@${action.worker} check ${action.code} ${code}${fine} → ${status}${
        proven
          ? `${proven.repeated ? ' again' : ''}, ${finish}, ${journey?.login.opened.size} logins`
          : ''
      }`,
    )
    count(`check ${action.code} ${status}`)
    if (expected !== undefined && status !== expected) {
      fail(`check is ${status}, not ${expected}`)
    }
    // The first invariant: what proves a code is tyntec's record of an OTP of this very flow.
    if (outcome?.status === 'verified' && journey) {
      await look()
      const proven = [...ledger.values()].filter(
        (otp) => otp.journey === journey && otp.code === code && wasVerified(otp),
      )
      const [otp] = proven
      if (!otp) return fail('signed in with a code that tyntec has not proven for this flow')
      if (otp.number !== journey.number) fail('signed in with an OTP of another number')
      if (otp.expire + 62_000 < now()) fail('signed in with an OTP of long ago')
    }
  }

  async function batch(batch: Batch): Promise<void> {
    batches += 1
    switch (batch.type) {
      case 'advance':
        note(`${batch.seconds} s pass`)
        return advance(batch.seconds)
      case 'fault':
        for (const given of batch.faults) {
          const fault = plan.own ? faultOf(given) : given
          if (!fault) continue
          note(`fault ${JSON.stringify(fault)}`)
          await track.control('POST', 'faults', fault)
        }
        return
      case 'keep':
        note(`the next ${batch.operation} is cut off`)
        if (!plan.own) return track.gate.keep(batch.operation)
        if (batch.operation !== 'otp.check') track.gate.keep('sms.send')
        return
      case 'land':
        return land(batch.most)
      case 'heal':
        note('no faults')
        return track.control('DELETE', 'faults')
      case 'unlock': {
        const number = numbers[batch.number] ?? ''
        note(`unlock ${number}`)
        failing.delete(number)
        reference?.unlock(batch.number)
        const received = messages.filter(({ to }) => to === number).length
        unlocked.set(number, [...(unlocked.get(number) ?? []), received])
        await step({ seed: 1, trouble: undefined, worker: 0 }, new Set(), () =>
          worker(0).unlock(number),
        )
        return
      }
      case 'steps':
        await together(batch)
        await look()
        return inspect()
    }
  }

  async function land(most?: number): Promise<void> {
    const landed = await track.gate.land(most)
    late += landed
    if (landed > 0) note(`${landed} that were cut off arrive`)
    await look()
    inspect()
  }

  async function together({ actions, jump, land }: Batch & { type: 'steps' }): Promise<void> {
    const arriving = underWay.filter(({ due }) => due <= batches)
    for (const each of arriving) underWay.splice(underWay.indexOf(each), 1)
    const sent = actions.filter(({ late }) => late === 0)
    for (const action of actions) {
      const { browser, late: by } = action
      if (by > 0) underWay.push({ due: batches + by, action, handle: jars[browser] })
    }
    const atOnce = sent.length + arriving.length
    if (atOnce > 1) note(`at once: ${atOnce}, of which ${arriving.length} come late`)
    const running = new Set<Step>()
    let over = false
    const all = Promise.all([
      ...sent.map((action) => act(action, running)),
      ...arriving.map(({ action, handle }) => act(action, running, handle)),
    ]).finally(() => {
      over = true
    })
    const time = (async () => {
      if (jump) {
        await sleep(jump.after)
        if (!over) {
          late += running.size
          note(`${jump.seconds} s pass meanwhile`)
          await advance(jump.seconds)
        }
      }
      // Whoever waits for a step whose process is gone waits until its lease is over.
      let waits = -1
      while (!over) {
        await sleep(5)
        // One of a process asks for all of it, so that one question tells that the last jump was not enough.
        if (world.waits === waits || running.size === 0) continue
        if ([...running].every(({ waiting }) => waiting)) {
          waits = world.waits
          note('11 s pass')
          await advance(11)
        }
      }
    })()
    const landing = (async () => {
      if (land === undefined) return
      await sleep(land.after)
      const landed = await track.gate.land(land.most)
      late += landed
      if (landed > 0) note(`${landed} that were cut off arrive meanwhile`)
    })()
    await Promise.all([all, time, landing])
  }

  /** Reads what tyntec knows. OTPs that were deleted stay as they were last seen. */
  async function look(): Promise<void> {
    // Before the OTPs, so that there is one for each.
    messages = arrived()
    const [otps, calls] = await Promise.all([track.otps(), track.journal()])
    journal = calls
    for (const message of messages) {
      secrets.push(message.code, message.otpId, message.to)
    }
    if (plan.own) {
      const owner = (reference: string, otpId: string) =>
        journeys.get(world.flowOf.get(reference) ?? world.keptBy.get(otpId) ?? '')
      for (const own of ledgerOf(messages, journal, owner)) ledger.set(own.otpId, own)
      return
    }
    for (const otp of ledger.values()) otp.deleted = true
    for (const otp of otps) {
      const before = ledger.get(otp.otpId)
      const key = otp.referenceId ? world.flowOf.get(otp.referenceId) : undefined
      const message = messages.find(({ otpId }) => otpId === otp.otpId)
      const journey = journeys.get(key ?? '') ?? before?.journey
      ledger.set(otp.otpId, { ...otp, code: message?.code, journey, deleted: false })
      countFailures(otp, before)
    }
  }

  function wasVerified({ otpId, otpStatus, deleted }: Ledgered): boolean {
    if (otpStatus === 'VERIFIED') return true
    // Its flow was cancelled or replaced in the same moment, and it is gone.
    const path = `/2fa/v1/otp/${otpId}/check`
    return deleted && journal.some((call) => call.path === path)
  }

  /** The fourth invariant: after a number's free failures its codes can't be tried at will. */
  function countFailures(otp: OtpStatusEntity, before: Ledgered | undefined): void {
    const verified = otp.otpStatus === 'VERIFIED' && before?.otpStatus !== 'VERIFIED'
    const tried = otp.attemptCount - (before?.attemptCount ?? 0) - (verified ? 1 : 0)
    const failed = failing.get(otp.number) ?? { recent: 0, last: 0, wait: 0 }
    for (let each = 0; each < tried; each++) {
      const t = now()
      // A code that was on its way when time passed was tried earlier than it seems.
      if (t < failed.wait - 2000 && late === 0) {
        fail(`tried another code of ${otp.number} ${(failed.wait - t) / 1000} s too early`)
      }
      if (t > Math.max(failed.last, failed.wait) + 900_000) failed.recent = 0
      failed.recent += 1
      failed.last = t
      const over = failed.recent - plan.free
      if (over >= 0) failed.wait = t + Math.min(3600, 30 * 2 ** over) * 1000
    }
    failing.set(otp.number, failed)
    if (verified) failing.delete(otp.number)
  }

  /** Invariants two and three, on what tyntec has seen. */
  function inspect(): void {
    const sends = new Map<string, number>()
    const tries = new Map<string, number>()
    for (const entry of journal) {
      const { method, path, query } = entry
      const otpId = /^\/2fa\/v1\/otp\/([^/]+)\/check$/.exec(path)?.[1]
      if (method === 'POST' && path === '/2fa/v1/otp') add(sends, String(query.referenceId))
      const text = sentBy(entry)
      if (text) add(sends, text.reference)
      if (method === 'POST' && otpId) add(tries, otpId)
    }
    for (const [referenceId, posts] of sends) {
      if (posts > 1) fail(`one click has sent ${posts} times`)
      if (!world.flowOf.has(referenceId)) fail('a message that no flow has reserved')
    }

    for (const { otpId, attemptCount, journey } of ledger.values()) {
      if ((tries.get(otpId) ?? 0) > plan.attempts + mostRefunds) fail('too many checks of one OTP')
      if (attemptCount > plan.attempts + late) fail(`${attemptCount} codes tried at one OTP`)
      if (!journey) fail('a message of a flow that no browser has')
    }

    const perFlow = new Map<Journey, number>()
    const perNumber = new Map<string, Message[]>()
    for (const message of messages) {
      const { otpId, to } = message
      const owner = ledger.get(otpId)?.journey ?? journeys.get(world.keptBy.get(otpId) ?? '')
      if (!owner) return fail('a message of no flow')
      if (owner.number !== to) fail('a message to another number')
      perFlow.set(owner, (perFlow.get(owner) ?? 0) + 1)
      perNumber.set(to, [...(perNumber.get(to) ?? []), message])
    }
    for (const [{ clicks }, sent] of perFlow) {
      if (sent > clicks) fail(`${sent} messages for ${clicks} clicks`)
    }
    for (const [number, received] of perNumber) {
      received.forEach(({ sentAt }, index) => {
        const before = received[index - 1]
        // Whoever has signed in may sign in again at once, and so may the owner after an unlock.
        if (unlocked.get(number)?.includes(index)) return
        const otp = before && ledger.get(before.otpId)
        if (!before || late > 0 || !otp || wasVerified(otp)) return
        const gap = (Date.parse(sentAt) - Date.parse(before.sentAt)) / 1000
        if (gap < cooldown - 2) fail(`two messages to ${number} within ${gap} s`)
      })
      const allowed = plan.tight * (1 + (unlocked.get(number)?.length ?? 0))
      if (plan.tight && received.length > allowed) {
        fail(`${received.length} messages to one number, ${allowed} allowed`)
      }
    }
    if (plan.tight && messages.length > plan.tight + 2) {
      fail(`${messages.length} messages, ${plan.tight + 2} in the budget`)
    }

    for (const { login } of journeys.values()) {
      if (login.opened.size > 1) fail(`${login.opened.size} logins with one code`)
    }
  }

  /** What is still under way arrives. */
  async function arrive(): Promise<void> {
    batches = Number.POSITIVE_INFINITY
    await batch({ type: 'steps', actions: [], jump: undefined, land: undefined })
  }

  /** Everything works again and every lease is over: who has a right code gets in, once. */
  async function repair(): Promise<void> {
    note('everything works again')
    await track.control('DELETE', 'faults')
    await land()
    track.gate.reset()
    await sleep(35)
    await look()
    await advance(11)
    for (const [browser, handle] of jars.entries()) {
      const journey = journeyOf(handle)
      if (!journey || journey.ended || journey.login.asked) continue
      await look()
      const otps = [...ledger.values()].filter((otp) => otp.journey === journey)
      const otp = otps.at(-1)
      if (!otp?.code) continue
      const able = mayVerify(journey, otp, otps.length)
      const reason = able ? 'must' : 'may'
      let status = ''
      for (let tries = 0; tries < 3 && status !== 'verified'; tries++) {
        const before = journey.login.opened.size
        status = await press('right', browser, journey, tries % plan.workers)
        await look()
        inspect()
        if (status === 'verified' && journey.login.opened.size !== before + 1) {
          fail('proven, but not signed in')
        }
        if (!status.startsWith('ERR_')) break
      }
      count(`repair ${reason} ${status}`)
      if (able && status !== 'verified') fail(`the right code is refused: ${status}`)
    }
    for (const proven of held) {
      await step({ seed: 1, trouble: undefined, worker: 0 }, new Set(), async () => {
        await finishWith(worker(0), proven, 'complete')
      })
      openedBy(proven, 'complete')
    }
    await look()
    inspect()
    await repeat()
  }

  /** The answer to a login may be lost: the same browser and code get it again for a minute, and never after it. */
  async function repeat(): Promise<void> {
    const all = [...jars.entries()].flatMap(([browser, handle]) => {
      const journey = journeyOf(handle)
      return journey?.login.asked ? [{ browser, journey }] : []
    })
    for (const { browser, journey } of all) {
      const must = mustRepeat(journey, now())
      const status = await press('again', browser, journey, 0)
      count(`repeat ${must ? 'must' : 'may'} ${status}`)
      if (must && status !== 'verified' && status !== 'signed_in')
        fail(`the lost answer is not given again: ${status}`)
    }
    await advance(61)
    for (const { browser, journey } of all) {
      const status = await press('again', browser, journey, 0)
      if (status === 'verified' || status === 'signed_in') {
        fail('signed in with a code of more than a minute ago')
      }
    }
  }

  /** Gives what a code comes to in this browser. */
  async function press(
    code: Code,
    browser: number,
    journey: Journey,
    worker: number,
  ): Promise<string> {
    const common = { browser, worker, seed: 1, trouble: undefined, late: 0 }
    const deed = { type: 'check', code, end: 'complete', again: false } as const
    await together({
      type: 'steps',
      actions: [{ ...common, ...deed }],
      jump: undefined,
      land: undefined,
    })
    return journey.checks.at(-1)?.outcome ?? ''
  }

  /** Nothing stands against this code: its person must get in. */
  function mayVerify(journey: Journey, otp: Ledgered, otps: number): boolean {
    const { checks } = journey
    const ofNumber = [...journeys.values()].filter(({ number }) => number === journey.number)
    const tried = ofNumber.reduce((sum, each) => sum + each.checks.length, 0)
    if (tried >= plan.free) return false
    if (journey.resent || otps > 1 || now() > journey.began + 290_000) return false
    if (otp.otpStatus === 'ACTIVE') {
      return checks.length < plan.attempts && otp.expire > now() + 5000
    }
    if (otp.otpStatus !== 'VERIFIED') return false
    // The proof was heard of or not; what counts is that no other code came into it.
    const last = checks.at(-1)
    const before = checks.filter(({ code }) => code !== otp.code)
    return (
      last?.code === otp.code &&
      checks.every(({ began }) => began > now() - 45_000) &&
      before.every(({ outcome }) => outcome === 'invalid_code') &&
      checks.length <= plan.attempts
    )
  }

  function secretsIn(text: string): void {
    for (const each of secrets) if (text.includes(each)) fail(`a secret is told: ${text}`)
  }

  function fail(reason: string): never {
    throw new Error(reason)
  }

  return {
    trace,
    batch,
    arrive,
    repair,
    async start() {
      track.events.length = 0
      track.sandbox.reset()
      track.gate.reset()
    },
    async finish() {
      await look()
      inspect()
      await timed.inspect()
      for (const { handle } of journeys.values()) secrets.push(handle)
      secretsIn(
        JSON.stringify(track.events, (key, value: unknown) => (key === 'at' ? undefined : value)),
      )
    },
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
