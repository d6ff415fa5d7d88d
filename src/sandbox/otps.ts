import { randomInt, randomUUID } from 'node:crypto'
import type { Clock } from './clock.js'
import type { Messages } from './messages.js'
import type { Line } from './numbers.js'

export type Via = 'SMS' | 'VOICE' | 'AUTO'

type FinalStatus = 'VERIFIED' | 'EXPIRED' | 'TOO_MANY_ATTEMPTS'

/** tyntec's `OtpStatusEntity`. */
export interface OtpStatusEntity {
  accountId: string
  applicationId: string
  attemptCount: number
  created: number
  expire: number
  number: string
  otpId: string
  otpStatus: 'ACTIVE' | FinalStatus
  referenceId: string | null
  timestampCreated: string
  timestampExpire: string
}

/** tyntec's `StatusEvent`. */
export interface StatusEvent {
  created: number
  status: 'success' | 'failed' | null
  statusText: string | null
  timestampCreated: string
  type: 'DELIVER_OTP_REQ' | 'DELIVER_OTP_RES_OK' | 'DELIVER_OTP_RES_FAIL'
}

/** tyntec's application `default`. */
export const defaultApplication = {
  applicationId: 'default',
  attempts: 3,
  expire: 300,
  pinLength: 4,
  sender: 'VERIFY',
  caller: 'VERIFY',
  template: 'OTP code: {{OTP}}. Valid for {{SEC}} seconds.',
}

export interface Otp {
  readonly otpId: string
  readonly accountId: string
  readonly number: string
  readonly line: Line
  readonly code: string
  readonly text: string
  readonly sender: string
  readonly caller: string
  readonly referenceId: string | null
  readonly created: number
  readonly events: StatusEvent[]
  via: 'SMS' | 'VOICE'
  expire: number
  attemptCount: number
  /** Set once the OTP has ended for good; time alone only sets it when somebody tries a code. */
  ended: FinalStatus | undefined
}

export interface SendRequest {
  accountId: string
  number: string
  line: Line
  via: Via | undefined
  code: string | undefined
  pinLength: number | undefined
  text: string | undefined
  sender: string | undefined
  caller: string | undefined
  referenceId: string | undefined
}

export interface ResendRequest {
  via: Via | undefined
  sender: string | undefined
  caller: string | undefined
}

/** What happens to a message on its way to the phone. */
export interface Delivery {
  copies: number
  /** Seconds by the sandbox's clock. */
  delay: number
  /** The channel that can't reach this phone. */
  fails?: 'SMS' | 'VOICE'
}

export const normalDelivery: Delivery = { copies: 1, delay: 0 }

/** `ended`: this very try ended the OTP. `over`: it had ended before, and the code was not read. */
export type CheckResult = 'verified' | 'wrong' | 'ended' | 'over'

export interface Otps {
  send(request: SendRequest, delivery: Delivery): Otp
  /** False when the OTP is not valid any more. */
  resend(otp: Otp, request: ResendRequest, delivery: Delivery): boolean
  /** `undefined` as the code never matches. */
  check(otp: Otp, code: string | undefined): CheckResult
  find(otpId: string): Otp | undefined
  list(accountId: string, number: string): Otp[]
  all(): Otp[]
  delete(otp: Otp): void
  /** Its time runs out now. */
  expire(otp: Otp): void
  /** It has ended before now. */
  end(otp: Otp): void
  toEntity(otp: Otp): OtpStatusEntity
  clear(): void
}

const capacity = 10_000

/** tyntec's OTPs: what they are and what happens to them, without HTTP. */
export function createOtps({ clock, messages }: { clock: Clock; messages: Messages }): Otps {
  const byId = new Map<string, Otp>()
  const byNumber = new Map<string, Set<Otp>>()
  const oldest = byId.values()

  const numberKey = (accountId: string, number: string) => `${accountId} ${number}`

  const isActive = (otp: Otp) => otp.ended === undefined && clock.now() < otp.expire

  function remove(otp: Otp) {
    byId.delete(otp.otpId)
    const key = numberKey(otp.accountId, otp.number)
    const sameNumber = byNumber.get(key)
    sameNumber?.delete(otp)
    if (sameNumber?.size === 0) byNumber.delete(key)
  }

  function add(otp: Otp) {
    byId.set(otp.otpId, otp)
    const key = numberKey(otp.accountId, otp.number)
    const sameNumber = byNumber.get(key)
    if (sameNumber) sameNumber.add(otp)
    else byNumber.set(key, new Set([otp]))
    if (byId.size > capacity) {
      // One iterator for the map's whole life: it remembers where the oldest entry is, while a new
      // one would have to pass over every entry deleted so far.
      const first = oldest.next()
      if (!first.done) remove(first.value)
    }
  }

  function record(otp: Otp, type: StatusEvent['type'], statusText: string | null) {
    const created = clock.now()
    otp.events.push({
      created,
      status: eventStatus[type],
      statusText,
      timestampCreated: new Date(created).toISOString(),
      type,
    })
  }

  function deliver(otp: Otp, from: string, delivery: Delivery) {
    const { via } = otp
    record(otp, 'DELIVER_OTP_REQ', null)
    if (delivery.fails === via) {
      record(otp, 'DELIVER_OTP_RES_FAIL', `${via} could not be delivered`)
      return
    }
    if (delivery.copies === 0) return

    function arrive() {
      for (let copy = 0; copy < delivery.copies; copy += 1) {
        messages.add({
          channel: via === 'SMS' ? 'sms' : 'voice',
          to: otp.number,
          from,
          text: otp.text,
          code: otp.code,
          otpId: otp.otpId,
          sentAt: new Date(clock.now()).toISOString(),
        })
      }
      record(otp, 'DELIVER_OTP_RES_OK', `${via} delivered`)
    }
    if (delivery.delay > 0) clock.after(delivery.delay, arrive)
    else arrive()
  }

  return {
    send(request, delivery) {
      const pinLength = request.pinLength ?? defaultApplication.pinLength
      const code = request.code ?? String(randomInt(10 ** pinLength)).padStart(pinLength, '0')
      const created = clock.now()
      const otp: Otp = {
        otpId: randomUUID(),
        accountId: request.accountId,
        number: request.number,
        line: request.line,
        code,
        text: (request.text ?? defaultApplication.template)
          .replaceAll('{{OTP}}', code)
          .replaceAll('{{SEC}}', String(defaultApplication.expire)),
        sender: request.sender ?? defaultApplication.sender,
        caller: request.caller ?? defaultApplication.caller,
        referenceId: request.referenceId ?? null,
        created,
        events: [],
        via: channelOf(request.via ?? 'AUTO', request.line),
        expire: created + defaultApplication.expire * 1000,
        attemptCount: 0,
        ended: undefined,
      }
      add(otp)
      deliver(otp, otp.via === 'SMS' ? otp.sender : otp.caller, delivery)
      return otp
    },

    resend(otp, request, delivery) {
      if (!isActive(otp)) return false
      // The reference doesn't say which channel a resend without `via` takes: the last one here.
      otp.via = request.via === undefined ? otp.via : channelOf(request.via, otp.line)
      const from =
        otp.via === 'SMS' ? (request.sender ?? otp.sender) : (request.caller ?? otp.caller)
      deliver(otp, from, delivery)
      return true
    },

    check(otp, code) {
      if (otp.ended !== undefined) return 'over'
      if (!isActive(otp)) {
        otp.ended = 'EXPIRED'
        return 'ended'
      }
      otp.attemptCount += 1
      if (code === otp.code) {
        otp.ended = 'VERIFIED'
        return 'verified'
      }
      if (otp.attemptCount < defaultApplication.attempts) return 'wrong'
      otp.ended = 'TOO_MANY_ATTEMPTS'
      return 'ended'
    },

    find: (otpId) => byId.get(otpId),
    list: (accountId, number) => [...(byNumber.get(numberKey(accountId, number)) ?? [])],
    all: () => [...byId.values()],
    delete: remove,
    expire(otp) {
      otp.expire = Math.min(otp.expire, clock.now())
    },
    end(otp) {
      otp.ended ??= 'EXPIRED'
    },
    toEntity: (otp) => ({
      accountId: otp.accountId,
      applicationId: defaultApplication.applicationId,
      attemptCount: otp.attemptCount,
      created: otp.created,
      expire: otp.expire,
      number: otp.number,
      otpId: otp.otpId,
      otpStatus: otp.ended ?? (isActive(otp) ? 'ACTIVE' : 'EXPIRED'),
      referenceId: otp.referenceId,
      timestampCreated: new Date(otp.created).toISOString(),
      timestampExpire: new Date(otp.expire).toISOString(),
    }),
    clear() {
      byId.clear()
      byNumber.clear()
    },
  }
}

const eventStatus = {
  DELIVER_OTP_REQ: null,
  DELIVER_OTP_RES_OK: 'success',
  DELIVER_OTP_RES_FAIL: 'failed',
} satisfies Record<StatusEvent['type'], StatusEvent['status']>

function channelOf(via: Via, line: Line): 'SMS' | 'VOICE' {
  if (via !== 'AUTO') return via
  return line === 'landline' ? 'VOICE' : 'SMS'
}
