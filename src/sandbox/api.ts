import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Answer,
  breakAnswer,
  errorAnswer,
  jsonAnswer,
  sendAnswer,
  withHint,
} from './answer.js'
import type { Clock } from './clock.js'
import {
  type Effect,
  type Faults,
  isWireFault,
  type Operation,
  type Plan,
  planCall,
} from './faults.js'
import type { Journal } from './journal.js'
import type { Magic } from './magic.js'
import type { ReadNumber } from './numbers.js'
import { missing, type Parameters, type Problem, readParameters } from './parameters.js'
import {
  type CheckResult,
  type Delivery,
  defaultApplication,
  normalDelivery,
  type Otp,
  type Otps,
  type Via,
} from './otps.js'

export interface ApiParts {
  clock: Clock
  faults: Faults
  journal: Journal
  magic: Magic
  otps: Otps
  readNumber: ReadNumber
}

export interface ApiRequest {
  path: string
  search: string
  /** The body is never read: tyntec takes everything from the query. */
  bodyTooLarge: Promise<boolean> | false
  /** Aborted when the sandbox is reset or closed: a delayed call doesn't outlive either. */
  signal: AbortSignal
}

export type Api = (req: IncomingMessage, res: ServerResponse, request: ApiRequest) => Promise<void>

interface Route {
  operation: Operation
  /** Missing for the collection. */
  otpId?: string
}

const checkStatus = { verified: 202, wrong: 401, ended: 403, over: 410 } satisfies Record<
  CheckResult,
  number
>

/** Stands for tyntec's answer when a fault leaves the work undone. */
const undone = '{"accountId":"sandbox","applicationId":"default","attemptCount":0}'

/** tyntec's 2FA API: `/2fa/v1/otp` and what is below it. */
export function createApi(parts: ApiParts): Api {
  const { clock, faults, journal, magic, otps, readNumber } = parts
  const accountIdOf = createAccounts()

  const error = (status: number, problem: { message: string; code?: string; hint?: string }) =>
    errorAnswer(status, { now: clock.now(), ...problem })

  /** `undefined` when the OTP is unknown, deleted or another account's. */
  function findOtp(accountId: string, otpId: string): Otp | undefined {
    const otp = otps.find(otpId)
    return otp?.accountId === accountId ? otp : undefined
  }

  function send(accountId: string, given: Parameters, delivery: Delivery): Answer {
    const number = given.get('number')
    if (number === undefined) return error(400, missing('number'))
    const reading = readNumber(number, given.get('country'))
    if (reading.status === 'invalid') return error(400, invalidNumber(reading.reason))

    const applicationId = given.get('applicationId') ?? defaultApplication.applicationId
    if (applicationId !== defaultApplication.applicationId) {
      return withHint({ status: 404 }, 'The only application here is "default".')
    }
    const pinLength = given.get('pinLength')
    const digits = pinLength === undefined ? undefined : Number(pinLength)
    const otpCode = given.get('otpCode')
    const text = given.get('text')
    // Only the sandbox's rule: tyntec says nothing about it. A code is printed in a terminal here.
    if (otpCode !== undefined && !/^[0-9A-Za-z]{1,32}$/.test(otpCode)) {
      return error(400, {
        message: 'Invalid parameter otpCode',
        hint: 'otpCode is up to 32 digits and letters.',
      })
    }
    if (text !== undefined && otpCode === undefined && !text.includes('{{OTP}}')) {
      return error(400, {
        message: 'Placeholder {{OTP}} is missing in text',
        hint: 'Put {{OTP}} in text, or send otpCode.',
      })
    }

    const otp = otps.send(
      {
        accountId,
        number: reading.number,
        line: reading.line,
        via: toVia(given.get('via')),
        code: otpCode ?? magic.code(reading.number, digits),
        pinLength: digits,
        text,
        sender: given.get('sender'),
        caller: given.get('caller'),
        referenceId: given.get('referenceId'),
      },
      delivery,
    )
    return jsonAnswer(200, otps.toEntity(otp))
  }

  function list(accountId: string, given: Parameters): Answer {
    const number = given.get('number')
    if (number === undefined) return error(400, missing('number'))
    const reading = readNumber(number)
    if (reading.status === 'invalid') return error(400, invalidNumber(reading.reason))
    const found = otps.list(accountId, reading.number)
    return found.length === 0 ? { status: 204 } : jsonAnswer(200, found.map(otps.toEntity))
  }

  function resend(otp: Otp, given: Parameters, delivery: Delivery): Answer {
    const sent = otps.resend(
      otp,
      {
        via: toVia(given.get('via')),
        sender: given.get('sender'),
        caller: given.get('caller'),
      },
      delivery,
    )
    return sent
      ? jsonAnswer(200, otps.toEntity(otp))
      : error(401, {
          message: 'OTP is not valid anymore',
          hint: `The OTP is ${otps.toEntity(otp).otpStatus}.`,
        })
  }

  function perform(
    route: Route,
    accountId: string,
    given: Parameters,
    effect: Effect | undefined,
  ): Answer {
    const { operation, otpId } = route
    if (otpId === undefined) {
      return operation === 'otp.list'
        ? list(accountId, given)
        : send(accountId, given, deliveryBy(effect))
    }
    const otpCode = given.get('otpCode')
    if (operation === 'otp.check' && otpCode === undefined) {
      return error(400, missing('otpCode'))
    }

    const asked = findOtp(accountId, otpId)
    if (asked) disturb(asked, effect)
    const otp = findOtp(accountId, otpId)
    if (!otp) {
      return operation === 'otp.check' || operation === 'otp.delete'
        ? { status: 404 }
        : error(404, { message: 'OTP not found' })
    }
    switch (operation) {
      case 'otp.resend':
        return resend(otp, given, deliveryBy(effect))
      case 'otp.check': {
        const result = otps.check(otp, effect?.kind === 'wrong-code' ? undefined : otpCode)
        return jsonAnswer(checkStatus[result], otps.toEntity(otp))
      }
      case 'otp.delete':
        otps.delete(otp)
        return jsonAnswer(200, otps.toEntity(otp))
      case 'otp.events':
        return jsonAnswer(200, otp.events)
      default:
        return jsonAnswer(200, otps.toEntity(otp))
    }
  }

  function disturb(otp: Otp, effect: Effect | undefined): void {
    if (effect?.kind === 'expire') otps.expire(otp)
    if (effect?.kind === 'end') otps.end(otp)
    if (effect?.kind === 'vanish') otps.delete(otp)
  }

  function planFor(route: Route, search: string): Plan {
    const number = route.otpId === undefined ? numberIn(search) : otps.find(route.otpId)?.number
    const rules = number === undefined ? [] : magic.rules(number)
    return planCall(
      rules.length === 0 ? faults.list() : [...faults.list(), ...rules],
      route.operation,
      number,
    )
  }

  function numberIn(search: string): string | undefined {
    const parameters = new URLSearchParams(search)
    const reading = readNumber(
      parameters.get('number') ?? '',
      parameters.get('country') ?? undefined,
    )
    return reading.status === 'parsed' ? reading.number : undefined
  }

  return async (req, res, { path, search, bodyTooLarge, signal }) => {
    const method = req.method ?? ''
    const call = journal.add({ method, path, search, at: clock.now() })
    if (bodyTooLarge !== false && (await bodyTooLarge)) {
      return sendAnswer(res, call, error(413, { message: 'The body is too large' }))
    }

    const key = req.headers.apikey
    if (typeof key !== 'string' || !/^sandbox_[!-~]*$/.test(key)) {
      return sendAnswer(res, call, withHint({ status: 401 }, hintForKey(key, search)))
    }
    if (key === 'sandbox_forbidden') return sendAnswer(res, call, { status: 403 })

    const route = toRoute(method, path)
    if (route.status === 'unknown') {
      const hint = 'There is /2fa/v1/otp here, and what is below it.'
      return sendAnswer(res, call, error(404, { message: 'Not found', hint }))
    }
    if (route.status === 'method') {
      const answer = error(405, { message: 'Method not allowed' })
      return sendAnswer(res, call, { ...answer, headers: { Allow: route.allow } })
    }

    const plan = planFor(route, search)
    const { effect } = plan
    const broken = effect && isWireFault(effect) ? effect : undefined
    try {
      if (plan.delay.before > 0) await sleep(plan.delay.before, undefined, { signal })
      if (broken && plan.when === 'before') {
        const status = route.operation === 'otp.check' ? 202 : 200
        return breakAnswer(res, call, broken, { status, body: undone }, clock.now())
      }
      const given = readParameters(route.operation, search)
      const answer =
        given instanceof Map ? perform(route, accountIdOf(key), given, effect) : error(400, given)
      if (plan.delay.after > 0) await sleep(plan.delay.after, undefined, { signal })
      if (broken) breakAnswer(res, call, broken, answer, clock.now())
      else sendAnswer(res, call, answer)
    } catch (err) {
      if (!signal.aborted) throw err
      res.destroy()
    }
  }
}

type Routing =
  | ({ status: 'found' } & Route)
  | { status: 'unknown' }
  | { status: 'method'; allow: string }

const resources: Record<string, Record<string, Operation>> = {
  '/2fa/v1/otp': { GET: 'otp.list', POST: 'otp.send' },
  '/2fa/v1/otp/{otpId}': { GET: 'otp.get', POST: 'otp.resend', DELETE: 'otp.delete' },
  '/2fa/v1/otp/{otpId}/check': { POST: 'otp.check' },
  '/2fa/v1/otp/{otpId}/events': { GET: 'otp.events' },
}

const otpPath = /^(\/2fa\/v1\/otp)\/([^/]+)/

function toRoute(method: string, path: string): Routing {
  const otpId = otpPath.exec(path)?.[2]
  const resource = path.replace(otpPath, '$1/{otpId}')
  const methods = Object.hasOwn(resources, resource) ? resources[resource] : undefined
  if (!methods) return { status: 'unknown' }
  const operation = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (!operation) return { status: 'method', allow: Object.keys(methods).join(', ') }
  return { status: 'found', operation, ...(otpId !== undefined && { otpId }) }
}

/** OTPs belong to the key that made them; tyntec shows an id of the account instead of the key. */
function createAccounts(): (key: string) => string {
  const known = new Map<string, string>()
  return (key) => {
    let accountId = known.get(key)
    if (accountId === undefined) {
      const hash = createHash('sha256').update(key).digest('hex')
      accountId = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
      if (known.size >= 1000) known.clear()
      known.set(key, accountId)
    }
    return accountId
  }
}

function deliveryBy(effect: Effect | undefined): Delivery {
  switch (effect?.kind) {
    case 'drop-message':
      return { copies: 0, delay: 0 }
    case 'duplicate-message':
      return { copies: 2, delay: 0 }
    case 'late-message':
      return { copies: 1, delay: effect.seconds }
    case 'fail-message':
      return { copies: 1, delay: 0, fails: effect.channel }
    default:
      return normalDelivery
  }
}

const vias: readonly Via[] = ['SMS', 'VOICE', 'AUTO']

const toVia = (value: string | undefined) => vias.find((via) => via === value)

const invalidNumber = (hint: string): Problem => ({ message: 'Invalid number', hint })

function hintForKey(key: string | string[] | undefined, search: string): string {
  if (key !== undefined) {
    return 'A key of the sandbox begins with sandbox_ and has visible ASCII characters only.'
  }
  return /[?&]apikey=/i.test(`?${search}`)
    ? 'The key goes in the header apikey, not in the query.'
    : 'The header apikey is missing.'
}
