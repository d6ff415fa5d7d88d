import { OtpError } from '../errors.js'
import {
  isOtpId,
  toCheck,
  toDeleted,
  toEvents,
  toOtp,
  toOtps,
  toResend,
  toSent,
} from './answers.js'
import type {
  CheckAnswer,
  Otp,
  OtpEvent,
  ResendAnswer,
  ResendParameters,
  SendParameters,
} from './entities.js'
import { misuse } from './failures.js'
import { resolveTyntecOptions, type TyntecClientOptions } from './options.js'
import { type Answer, type Call, createTransport, type Transport } from './transport.js'

/** What an answer is compared with, beside its `otpId`. */
export interface Expected {
  /** The number the OTP was sent to. An answer about another one is an error. */
  number?: string | undefined
}

/** Calls to `/2fa/v1/otp`. Each sends one request; none is retried. */
export interface OtpCalls {
  /** The OTPs that tyntec still knows for a number. */
  list(number: string): Promise<Otp[]>
  /**
   * Sends a code. After an error whose `processed` is `unknown`, ask `list` for your `referenceId`
   * before you send again: the message may have gone out.
   */
  send(parameters: SendParameters): Promise<Otp>
  /** The OTP as it stands, or nothing when tyntec doesn't know it. */
  read(otpId: string, expected?: Expected): Promise<Otp | undefined>
  /** Sends the same code again. Its time goes on from the first send. */
  resend(otpId: string, parameters?: ResendParameters): Promise<ResendAnswer>
  /** Tells whether there was something to delete. */
  delete(otpId: string): Promise<boolean>
  /** What happened to the messages, oldest or newest first as tyntec has it. */
  events(otpId: string): Promise<OtpEvent[]>
  /**
   * Tries a code, which counts as an attempt at tyntec. Only `valid` proves the code; after an
   * error whose `processed` is `unknown`, `read` tells what has become of it.
   */
  check(otpId: string, otpCode: string, expected?: Expected): Promise<CheckAnswer>
}

/** A client of tyntec's API. It holds connections, so make one per app. */
export interface TyntecClient {
  readonly otp: OtpCalls
  /** Waits for the calls under way, then closes the connections. Later calls throw. */
  close(): Promise<void>
}

/**
 * Makes a client of tyntec's 2FA API. Nothing is loaded or connected before the first call.
 *
 * Calls throw `ERR_OTP_PROVIDER_AUTH` when the key or the account is refused,
 * `ERR_OTP_PROVIDER_UNAVAILABLE` when tyntec can't be asked and `ERR_OTP_PROVIDER_RESPONSE` when
 * its answer says nothing sure. `processed` on the error tells whether anything may have been done.
 * No error holds the key, a number, a code or an `otpId`.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function createTyntecClient(options: TyntecClientOptions): TyntecClient {
  const transport = createTransport(resolveTyntecOptions(options))
  return { otp: createOtpCalls(transport), close: transport.close }
}

function createOtpCalls(transport: Transport): OtpCalls {
  const ask = async <T>(call: Call, read: (answer: Answer) => T): Promise<T> => {
    const answer = await transport.ask(call)
    try {
      return read(answer)
    } catch (error) {
      if (error instanceof OtpError && error.code === 'ERR_OTP_PROVIDER_AUTH') {
        transport.dropApiKey()
      }
      throw error
    }
  }

  return {
    async list(number) {
      const query = toQuery({ number }, ['number'], 'number')
      return ask({ method: 'GET', path: otps, query }, (answer) => toOtps(answer, { number }))
    },
    async send(parameters) {
      const query = toQuery(parameters, sendNames, 'number')
      const { number, referenceId } = parameters
      return ask({ method: 'POST', path: otps, query }, (answer) =>
        toSent(answer, { number, referenceId }),
      )
    },
    async read(otpId, { number } = {}) {
      return ask({ method: 'GET', path: pathOf(otpId) }, (answer) =>
        toOtp(answer, { otpId, number }),
      )
    },
    async resend(otpId, parameters = {}) {
      const query = toQuery(parameters, resendNames)
      return ask({ method: 'POST', path: pathOf(otpId), query }, (answer) =>
        toResend(answer, { otpId }),
      )
    },
    async delete(otpId) {
      return ask({ method: 'DELETE', path: pathOf(otpId) }, (answer) =>
        toDeleted(answer, { otpId }),
      )
    },
    async events(otpId) {
      return ask({ method: 'GET', path: `${pathOf(otpId)}/events` }, toEvents)
    },
    async check(otpId, otpCode, { number } = {}) {
      const query = toQuery({ otpCode }, ['otpCode'], 'otpCode')
      return ask({ method: 'POST', path: `${pathOf(otpId)}/check`, query }, (answer) =>
        toCheck(answer, { otpId, number }),
      )
    },
  }
}

const otps = '/2fa/v1/otp'

const sendNames = [
  'number',
  'via',
  'referenceId',
  'applicationId',
  'country',
  'language',
  'text',
  'otpCode',
  'sender',
  'caller',
  'pinLength',
] as const satisfies (keyof SendParameters)[]

const resendNames = ['via', 'sender', 'caller'] as const satisfies (keyof ResendParameters)[]

/** `encodeURIComponent` leaves `..` alone, which is why the id is checked first. */
function pathOf(otpId: string): string {
  if (!isOtpId(otpId)) throw misuse('"otpId" is not an id of tyntec.')
  return `${otps}/${encodeURIComponent(otpId)}`
}

/** Named parameters only, each once: a value can't become a second parameter. */
function toQuery<Name extends string>(
  values: { readonly [name in Name]?: unknown },
  names: readonly Name[],
  required?: NoInfer<Name>,
): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of names) {
    const value = Object.hasOwn(values, name) ? (values[name] ?? undefined) : undefined
    if (value === undefined && name !== required) continue
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) {
      throw misuse(`"${name}" must be a string.`)
    }
    query.set(name, String(value))
  }
  return query
}
