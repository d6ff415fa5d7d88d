import { type Answer, jsonAnswer } from '../api/answer.js'
import type { ApiCall, Glance, OperationTable } from '../api/operation.js'
import { missing, type Problem } from '../api/parameters.js'
import type { Applications } from '../applications/applications.js'
import { isPinLength, pinLengthProblem } from '../applications/settings.js'
import { hasPlaceholder } from '../applications/templates.js'
import type { Effect } from '../faults/rules.js'
import type { Magic } from '../magic.js'
import type { ReadNumber } from '../numbers.js'
import { deliveryBy } from './delivery.js'
import type { Otp, Via } from './entity.js'
import type { CheckResult, Otps } from './otps.js'

export interface OtpParts {
  applications: Applications
  magic: Magic
  otps: Otps
  readNumber: ReadNumber
}

const checkStatus = { verified: 202, wrong: 401, ended: 403, over: 410 } satisfies Record<
  CheckResult,
  number
>

/** The seven operations of tyntec's 2FA OTP Service. */
export function otpOperations({ applications, magic, otps, readNumber }: OtpParts): OperationTable {
  const entity = (otp: Otp) => jsonAnswer(200, otps.toEntity(otp))

  function send(call: ApiCall): Answer {
    const { given } = call
    const number = given.get('number')
    if (number === undefined) return call.refuse(400, missing('number'))
    const reading = readNumber(number, given.get('country'))
    if (reading.status === 'invalid') return call.refuse(400, invalidNumber(reading.reason))
    const application = applications.find(call.accountId, given.get('applicationId') ?? 'default')
    if (!application) return call.refuse(404, unknownApplication, true)
    const problem = refuseText(given.get('otpCode'), given.get('text'))
    if (problem) return call.refuse(400, problem)

    const asked = given.get('pinLength')
    const pinLength = asked === undefined ? undefined : Number(asked)
    const otp = otps.send(
      {
        application,
        number: reading.number,
        line: reading.line,
        language: given.get('language')?.toLowerCase() ?? reading.language,
        via: toVia(given.get('via')),
        code: given.get('otpCode') ?? magic.code(reading.number, pinLength, application.pinLength),
        pinLength,
        text: given.get('text'),
        sender: given.get('sender'),
        caller: given.get('caller'),
        referenceId: given.get('referenceId'),
      },
      deliveryBy(call.effect, call.reason),
      call.seq,
    )
    return entity(otp)
  }

  function list(call: ApiCall): Answer {
    const number = call.given.get('number')
    if (number === undefined) return call.refuse(400, missing('number'))
    const reading = readNumber(number)
    if (reading.status === 'invalid') return call.refuse(400, invalidNumber(reading.reason))
    const found = otps.list(call.accountId, reading.number)
    return found.length === 0 ? { status: 204 } : jsonAnswer(200, found.map(otps.toEntity))
  }

  /** `undefined` when the OTP is unknown, deleted or another account's. */
  function find({ accountId, ids }: ApiCall): Otp | undefined {
    const otp = otps.find(ids[0] ?? '')
    return otp?.accountId === accountId ? otp : undefined
  }

  /** Runs `perform` on the OTP of the path. `bare`: the reference lists its 404 without a body. */
  const withOtp =
    (perform: (otp: Otp, call: ApiCall) => Answer, bare = false) =>
    (call: ApiCall): Answer => {
      const asked = find(call)
      if (asked) disturb(asked, call.effect)
      const otp = find(call)
      return otp ? perform(otp, call) : call.refuse(404, unknownOtp, bare)
    }

  function disturb(otp: Otp, effect: Effect | undefined): void {
    if (effect?.kind === 'expire') otps.expire(otp)
    if (effect?.kind === 'end') otps.end(otp)
    if (effect?.kind === 'vanish') otps.delete(otp)
  }

  function resend(otp: Otp, call: ApiCall): Answer {
    if (otp.application.deleted) return call.refuse(404, applicationDeleted)
    const { given } = call
    const request = {
      via: toVia(given.get('via')),
      sender: given.get('sender'),
      caller: given.get('caller'),
    }
    if (otps.resend(otp, request, deliveryBy(call.effect, call.reason), call.seq)) {
      return entity(otp)
    }
    const hint = `The OTP is ${otps.toEntity(otp).otpStatus}.`
    return call.refuse(401, { message: 'OTP is not valid anymore', hint })
  }

  function checkCode(otp: Otp, call: ApiCall): Answer {
    if (otp.application.deleted) return call.refuse(404, applicationDeleted, true)
    const wrong = call.effect?.kind === 'wrong-code'
    const result = otps.check(otp, wrong ? undefined : call.given.get('otpCode'), call.seq)
    return jsonAnswer(checkStatus[result], otps.toEntity(otp))
  }

  const check = withOtp(checkCode, true)

  /** As tyntec reads it: faults and magic numbers are by the canonical form. */
  function numberInQuery({ search }: Glance): string | undefined {
    const parameters = new URLSearchParams(search)
    const country = parameters.get('country') ?? undefined
    const reading = readNumber(parameters.get('number') ?? '', country)
    return reading.status === 'parsed' ? reading.number : undefined
  }

  const numberOfOtp = ({ ids }: Glance) => otps.find(ids[0] ?? '')?.number

  return {
    'otp.send': {
      parameters: [
        'number',
        'applicationId',
        'via',
        'country',
        'language',
        'text',
        'referenceId',
        'otpCode',
        'sender',
        'caller',
        'pinLength',
      ],
      number: numberInQuery,
      perform: send,
    },
    'otp.list': { parameters: ['number'], number: numberInQuery, perform: list },
    'otp.get': { number: numberOfOtp, perform: withOtp(entity) },
    'otp.resend': {
      parameters: ['via', 'sender', 'caller'],
      number: numberOfOtp,
      perform: withOtp(resend),
    },
    'otp.delete': {
      number: numberOfOtp,
      perform: withOtp((otp) => {
        otps.delete(otp)
        return entity(otp)
      }, true),
    },
    'otp.events': {
      number: numberOfOtp,
      perform: withOtp((otp) => jsonAnswer(200, otp.events)),
    },
    'otp.check': {
      parameters: ['otpCode'],
      success: 202,
      number: numberOfOtp,
      perform: (call) =>
        call.given.has('otpCode') ? check(call) : call.refuse(400, missing('otpCode')),
    },
  }
}

function refuseText(otpCode: string | undefined, text: string | undefined): Problem | undefined {
  if (otpCode !== undefined) {
    const hint = 'otpCode is 4 to 10 digits and letters.'
    if (!/^[0-9A-Za-z]*$/.test(otpCode)) return { message: 'Invalid parameter otpCode', hint }
    if (!isPinLength(otpCode.length)) return pinLengthProblem(hint)
  }
  if (text !== undefined && otpCode === undefined && !hasPlaceholder(text)) {
    return {
      message: 'Placeholder {{OTP}} is missing in text',
      hint: 'Put {{OTP}} in text, or send otpCode.',
    }
  }
  return undefined
}

const vias: readonly Via[] = ['SMS', 'VOICE', 'AUTO']

const toVia = (value: string | undefined) => vias.find((via) => via === value)

const invalidNumber = (hint: string): Problem => ({ message: 'Invalid number', hint })

const unknownOtp: Problem = {
  message: 'OTP not found',
  hint: 'There is no OTP with this id, or it belongs to another key.',
}

const unknownApplication: Problem = {
  message: 'Application not found',
  hint: 'GET /2fa/v1/application/ lists the applications of this key.',
}

const applicationDeleted: Problem = {
  message: 'OTP not found',
  hint: 'Its application was deleted: the OTP can be neither sent again nor checked.',
}
