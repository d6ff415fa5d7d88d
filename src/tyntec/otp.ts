import {
  about,
  parseEvent,
  parseOtp,
  toCheck,
  toDeleted,
  toOtp,
  toResend,
  toSent,
} from './answers.js'
import type { Asking } from './asking.js'
import { isObject, own } from './body.js'
import type {
  CheckAnswer,
  Otp,
  OtpEvent,
  ResendAnswer,
  ResendParameters,
  SendParameters,
} from './entities.js'
import { failure } from './statuses.js'
import { misuse } from './failures.js'
import { readList } from './lists.js'
import { isOtpId, type Kinds, segment, toQuery } from './requests.js'
import type { Call } from './transport.js'

/** What an answer is compared with, beside its `otpId`. */
export interface Expected {
  /** The number the OTP was sent to. An answer about another one is an error. */
  number?: string | undefined
}

/** What is looked for in the list of a number's codes. */
export interface FindOptions {
  /** Seconds in place of the client's `timeout`. */
  timeout?: number | undefined
}

/** Calls to `/2fa/v1/otp`. A POST is sent once; a read once more when its connection breaks. */
export interface OtpCalls {
  /**
   * The OTPs that tyntec still knows for a number, those that are over too. There may be many, and no
   * part of them can be asked for: `find` is the call for one.
   *
   * `GET /2fa/v1/otp` (Returns all OTP instances for a specific number)
   */
  list(number: string): Promise<Otp[]>
  /**
   * The OTP of a number that was sent with this `referenceId`, or nothing. The list is read until it is
   * found and no further, so that a long history costs little: up to 8 MB in all and 64 kB an OTP.
   * That tyntec does not list it yet is no proof that it won't.
   *
   * `GET /2fa/v1/otp` (Returns all OTP instances for a specific number)
   */
  find(number: string, referenceId: string, options?: FindOptions): Promise<Otp | undefined>
  /**
   * Sends a code. After an error whose `processed` is `unknown`, ask `find` for your `referenceId`
   * before you send again: the message may have gone out. An error whose `provider.about` is `number`
   * is about the number; any other refusal is yours to look into.
   *
   * `POST /2fa/v1/otp` (Sends OTP for a number)
   */
  send(parameters: SendParameters): Promise<Otp>
  /**
   * The OTP as it stands, or nothing when tyntec doesn't know it.
   *
   * `GET /2fa/v1/otp/{otpId}` (Returns the status for this OTP)
   */
  read(otpId: string, expected?: Expected): Promise<Otp | undefined>
  /**
   * Sends the same code again. Its time goes on from the first send.
   *
   * `POST /2fa/v1/otp/{otpId}` (Resend an OTP)
   */
  resend(otpId: string, parameters?: ResendParameters): Promise<ResendAnswer>
  /**
   * Tells whether there was something to delete.
   *
   * `DELETE /2fa/v1/otp/{otpId}` (Delete an OTP)
   */
  delete(otpId: string): Promise<boolean>
  /**
   * What happened to the messages, oldest or newest first as tyntec has it.
   *
   * `GET /2fa/v1/otp/{otpId}/events` (Returns the status events for this OTP)
   */
  events(otpId: string): Promise<OtpEvent[]>
  /**
   * Tries a code, which counts as an attempt at tyntec. Only `valid` proves the code; after an
   * error whose `processed` is `unknown`, `read` tells what has become of it.
   *
   * `POST /2fa/v1/otp/{otpId}/check` (Check an OTP)
   */
  check(otpId: string, otpCode: string, expected?: Expected): Promise<CheckAnswer>
}

export function createOtpCalls({ ask, guard, transport }: Asking): OtpCalls {
  const listOf = (number: string, timeout?: number): Call => ({
    method: 'GET',
    path: otps,
    query: toQuery({ number }, { number: 'text' }, ['number']),
    repeatable: true,
    timeout,
  })
  return {
    async list(number) {
      const found: Otp[] = []
      const take = (item: unknown) => found.push(about(parseOtp(item), { number })) > 0
      await guard(() => readList(transport.ask, listOf(number), take))
      return found
    },
    async find(number, referenceId, { timeout } = {}) {
      if (typeof referenceId !== 'string' || referenceId === '') {
        throw misuse('"referenceId" must be a string.')
      }
      if (timeout !== undefined && !(timeout > 0 && timeout <= 600)) {
        throw misuse('"timeout" must be a number of seconds above 0, up to 600.')
      }
      let found: Otp | undefined
      const take = (item: unknown) => {
        // What others hold does not matter: it must not hide the one that is looked for.
        if (!isObject(item) || own(item, 'referenceId') !== referenceId) return true
        found = about(parseOtp(item), { number, referenceId })
        return false
      }
      await guard(() => readList(transport.ask, listOf(number, timeout), take))
      return found
    },
    async send(parameters) {
      const query = toQuery(parameters, sendKinds, ['number'])
      const { number, referenceId } = parameters
      return ask({ method: 'POST', path: otps, query }, (answer) =>
        toSent(answer, { number, referenceId }),
      )
    },
    async read(otpId, { number } = {}) {
      return ask({ method: 'GET', path: pathOf(otpId), repeatable: true }, (answer) =>
        toOtp(answer, { otpId, number }),
      )
    },
    async resend(otpId, parameters = {}) {
      const query = toQuery(parameters, resendKinds)
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
      const found: OtpEvent[] = []
      const call: Call = { method: 'GET', path: `${pathOf(otpId)}/events`, repeatable: true }
      const take = (item: unknown) => found.push(parseEvent(item)) > 0
      await guard(() =>
        readList(transport.ask, call, take, (answer) => {
          // An OTP that tyntec doesn't know has no events.
          if (answer.status !== 404) throw failure(answer)
        }),
      )
      return found
    },
    async check(otpId, otpCode, { number } = {}) {
      const query = toQuery({ otpCode }, { otpCode: 'text' }, ['otpCode'])
      return ask({ method: 'POST', path: `${pathOf(otpId)}/check`, query }, (answer) =>
        toCheck(answer, { otpId, number }),
      )
    },
  }
}

const otps = '/2fa/v1/otp'

const sendKinds: Kinds<SendParameters> = {
  number: 'text',
  via: 'text',
  referenceId: 'text',
  applicationId: 'text',
  country: 'text',
  language: 'text',
  text: 'text',
  otpCode: 'text',
  sender: 'text',
  caller: 'text',
  pinLength: 'text',
}

const resendKinds: Kinds<ResendParameters> = { via: 'text', sender: 'text', caller: 'text' }

function pathOf(otpId: string): string {
  return `${otps}/${segment('otpId', otpId, isOtpId)}`
}
