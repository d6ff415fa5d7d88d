import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.js'
import type { Faults } from '../faults/faults.js'
import { isWireFault, type Operation, type Plan, planCall } from '../faults/rules.js'
import type { Call, Journal } from '../journal.js'
import type { Magic } from '../magic.js'
import { createAccounts, refuseKey } from './accounts.js'
import { type Answer, plainRefusal, refusal, sendAnswer } from './answer.js'
import { parseBody } from './body.js'
import { breakAnswer } from './break.js'
import type { Glance, OperationEntry, OperationTable } from './operation.js'
import { type Problem, readParameters } from './parameters.js'
import { findRoute, type Routing, type Style, styleOf } from './routes.js'

export interface ApiParts {
  clock: Clock
  faults: Faults
  journal: Journal
  magic: Magic
  operations: OperationTable
}

export interface ApiRequest {
  path: string
  search: string
  /** Resolves with `undefined` when the body is over the limit. */
  readBody: () => Promise<string | undefined>
  /** Aborted when the sandbox is reset or closed: a delayed call doesn't outlive either. */
  signal: AbortSignal
}

export type Api = (req: IncomingMessage, res: ServerResponse, request: ApiRequest) => Promise<void>

/** Stands for tyntec's answer when a fault leaves the work undone. */
const undone = '{"accountId":"sandbox","applicationId":"default","attemptCount":0}'

const noBody = { value: undefined, isForm: false }

/** tyntec's three APIs: everything that is the same for each of their operations. */
export function createApi(parts: ApiParts): Api {
  const { clock, journal } = parts
  const accountIdOf = createAccounts()

  return async (req, res, { path, search, readBody, signal }) => {
    const method = req.method ?? ''
    const call = journal.add({ method, path, search, at: clock.now() })
    const style = styleOf(path)
    const text = await readBody()
    if (text === undefined) {
      return sendAnswer(res, call, plainRefusal(style, 413, 'The body is over 64 kB.', clock.now()))
    }
    const key = req.headers.apikey
    const badKey = refuseKey(key, search)
    if (typeof key !== 'string' || badKey !== undefined) {
      return sendAnswer(res, call, plainRefusal(style, 401, badKey ?? '', clock.now()))
    }
    if (key === 'sandbox_forbidden') {
      const hint = 'The key sandbox_forbidden is always refused.'
      return sendAnswer(res, call, plainRefusal(style, 403, hint, clock.now()))
    }
    const route = findRoute(method, path)
    const entry = route.status === 'found' ? parts.operations[route.operation] : undefined
    if (route.status !== 'found' || !entry) {
      return sendAnswer(res, call, refuseRoute(route, style, clock.now()))
    }

    const body = entry.body ? parseBody(text, req.headers['content-type']) : noBody
    const glance: Glance = {
      method,
      ids: route.ids,
      search,
      body: 'value' in body ? body.value : undefined,
    }
    const number = entry.number?.(glance)
    call.note({ operation: route.operation, number, body: glance.body })
    const plan = planFor(parts, route.operation, number)
    call.note({ reason: plan.reason })

    const perform = (): Answer => {
      if ('message' in body) return refusal(style, 400, body, clock.now())
      const given = readParameters(route.operation, entry.parameters ?? [], search)
      if (!(given instanceof Map)) return refusal(style, 400, given, clock.now())
      return entry.perform({
        operation: route.operation,
        method,
        accountId: accountIdOf(key),
        ids: route.ids,
        given,
        body: glance.body,
        isForm: 'isForm' in body && body.isForm,
        seq: call.seq,
        effect: plan.effect,
        reason: plan.reason,
        refuse: (status, problem, bare) => refuse(style, clock.now(), status, problem, bare),
      })
    }
    await answer({ res, call, plan, entry, style, perform, clock, signal })
  }
}

function planFor(
  { faults, magic }: ApiParts,
  operation: Operation,
  number: string | undefined,
): Plan {
  const rules = number === undefined ? [] : magic.rules(number)
  const all = rules.length === 0 ? faults.list() : [...faults.list(), ...rules]
  return planCall(all, operation, number, (rule) => {
    if (rule.times !== undefined && rule.magic === undefined) faults.used()
  })
}

interface Answering {
  res: ServerResponse
  call: Call
  plan: Plan
  entry: OperationEntry
  style: Style
  perform: () => Answer
  clock: Clock
  signal: AbortSignal
}

/** Does the work and answers, each when and as the plan for this call says. */
async function answer({ res, call, plan, entry, style, perform, clock, signal }: Answering) {
  const { effect } = plan
  const fault = effect && isWireFault(effect) ? effect : undefined
  try {
    if (plan.delay.before > 0) await sleep(plan.delay.before, undefined, { signal })
    if (fault && plan.when === 'before') {
      const instead = { status: entry.success ?? 200, body: undone }
      return breakAnswer(res, call, { fault, answer: instead, style, now: clock.now() })
    }
    const done = perform()
    if (plan.delay.after > 0) await sleep(plan.delay.after, undefined, { signal })
    if (fault) breakAnswer(res, call, { fault, answer: done, style, now: clock.now() })
    else sendAnswer(res, call, done)
  } catch (err) {
    if (!signal.aborted) throw err
    res.destroy()
  }
}

function refuse(style: Style, now: number, status: number, problem: Problem, bare = false): Answer {
  return bare && style === 'error'
    ? { status, hint: problem.hint }
    : refusal(style, status, problem, now)
}

function refuseRoute(route: Routing, style: Style, now: number): Answer {
  if (route.status === 'method') {
    const hint = `This path takes ${route.allow}.`
    const answer = refusal(style, 405, { message: 'Method not allowed', hint }, now)
    return { ...answer, headers: { ...answer.headers, Allow: route.allow } }
  }
  const hint = 'There are /2fa/v1/application, /2fa/v1/otp and /messaging/v1 here.'
  return refusal(style, 404, { message: 'Not found', hint }, now)
}
