import { randomUUID } from 'node:crypto'
import type { Application } from '../applications/applications.js'
import type { Clock } from '../clock.js'
import type { Events } from '../events.js'
import type { Messages } from '../messages.js'
import type { Line } from '../numbers.js'
import { randomCode } from './code.js'
import { createDeliver, type Delivery } from './delivery.js'
import type { FinalStatus, Otp, OtpStatus, OtpStatusEntity, Via } from './entity.js'
import { createShelf } from './shelf.js'
import type { TimelineEntry } from './timeline.js'
import { type OtpView, toView } from './view.js'

export interface SendRequest {
  application: Application
  number: string
  line: Line
  /** The one asked for, or that of the number's country. */
  language: string
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

/** `ended`: this very try ended the OTP. `over`: it had ended before, and the code was not read. */
export type CheckResult = 'verified' | 'wrong' | 'ended' | 'over'

/** `request` is the `seq` of the API call, for the timeline. */
export interface Otps {
  send(request: SendRequest, delivery: Delivery, seq?: number): Otp
  /** False when the OTP is not valid any more. */
  resend(otp: Otp, request: ResendRequest, delivery: Delivery, seq?: number): boolean
  /** `undefined` as the code never matches. */
  check(otp: Otp, code: string | undefined, seq?: number): CheckResult
  find(otpId: string): Otp | undefined
  list(accountId: string, number: string): Otp[]
  all(): Otp[]
  delete(otp: Otp): void
  /** Its time runs out now. */
  expire(otp: Otp): void
  /** It has ended before now. */
  end(otp: Otp): void
  /** Sets its status from outside, `ACTIVE` with all its tries and time. */
  force(otp: Otp, status: OtpStatus): void
  /** Its OTPs can be neither sent again nor checked from now on. */
  applicationDeleted(application: Application): void
  toEntity(otp: Otp): OtpStatusEntity
  toView(otp: Otp): OtpView
  clear(): void
}

export interface OtpsParts {
  clock: Clock
  events: Events
  messages: Messages
}

/** tyntec's OTPs: what they are and what happens to them, without HTTP. */
export function createOtps({ clock, events, messages }: OtpsParts): Otps {
  const shelf = createShelf()
  const changed = (otp: Otp) => events.emit(() => ({ type: 'otp', otp: view(otp) }))
  const deliver = createDeliver({ clock, messages, changed })

  const isActive = (otp: Otp) => otp.ended === undefined && clock.now() < otp.expire

  function note(otp: Otp, type: TimelineEntry['type'], text: string, request?: number) {
    const at = new Date(clock.now()).toISOString()
    otp.timeline.push({ at, type, text, ...(request !== undefined && { request }) })
    changed(otp)
  }

  function end(otp: Otp, status: FinalStatus, text: string, request?: number) {
    otp.ended = status
    note(otp, timelineTypes[status], text, request)
  }

  const toEntity = (otp: Otp): OtpStatusEntity => ({
    accountId: otp.accountId,
    applicationId: otp.application.applicationId,
    attemptCount: otp.attemptCount,
    created: otp.created,
    expire: otp.expire,
    number: otp.number,
    otpId: otp.otpId,
    otpStatus: otp.ended ?? (isActive(otp) ? 'ACTIVE' : 'EXPIRED'),
    referenceId: otp.referenceId,
    timestampCreated: new Date(otp.created).toISOString(),
    timestampExpire: new Date(otp.expire).toISOString(),
  })

  const view = (otp: Otp) => toView(otp, toEntity(otp))

  return {
    send(request, delivery, seq) {
      const { application } = request
      const created = clock.now()
      const otp: Otp = {
        otpId: randomUUID(),
        accountId: application.accountId,
        application,
        number: request.number,
        line: request.line,
        code: request.code ?? randomCode(application, request.pinLength),
        text: request.text,
        language: request.language,
        sender: request.sender ?? application.sender,
        caller: request.caller ?? application.caller ?? 'Anonymous',
        referenceId: request.referenceId ?? null,
        created,
        attempts: application.attempts,
        validity: application.expire,
        events: [],
        timeline: [],
        via: channelOf(request.via, request.line),
        expire: created + application.expire * 1000,
        attemptCount: 0,
        ended: undefined,
      }
      shelf.add(otp)
      deliver(otp, otp.via === 'SMS' ? otp.sender : otp.caller, delivery, seq)
      return otp
    },

    resend(otp, request, delivery, seq) {
      if (!isActive(otp)) {
        note(otp, 'refused', 'A resend after the end was refused.', seq)
        return false
      }
      otp.via = channelOf(request.via, otp.line)
      const from =
        otp.via === 'SMS' ? (request.sender ?? otp.sender) : (request.caller ?? otp.caller)
      deliver(otp, from, delivery, seq)
      return true
    },

    check(otp, code, seq) {
      if (otp.ended !== undefined) {
        note(otp, 'refused', 'A code was checked after the end, and not looked at.', seq)
        return 'over'
      }
      if (!isActive(otp)) {
        end(otp, 'EXPIRED', 'A code was checked after the time had run out.', seq)
        return 'ended'
      }
      otp.attemptCount += 1
      if (code === otp.code) {
        end(otp, 'VERIFIED', 'The right code was checked.', seq)
        return 'verified'
      }
      if (otp.attemptCount < otp.attempts) {
        const left = otp.attempts - otp.attemptCount
        note(otp, 'wrong-code', `A wrong code was checked; ${left} left.`, seq)
        return 'wrong'
      }
      end(otp, 'TOO_MANY_ATTEMPTS', 'A wrong code was checked, as the last try.', seq)
      return 'ended'
    },

    find: shelf.find,
    list: shelf.list,
    all: shelf.all,
    delete(otp) {
      shelf.remove(otp)
      events.emit(() => ({ type: 'otp-deleted', otpId: otp.otpId }))
    },
    expire(otp) {
      otp.expire = Math.min(otp.expire, clock.now())
    },
    end(otp) {
      otp.ended ??= 'EXPIRED'
    },
    force(otp, status) {
      if (status === 'ACTIVE') {
        otp.ended = undefined
        otp.attemptCount = 0
        otp.expire = clock.now() + otp.validity * 1000
      } else {
        otp.ended = status
      }
      note(otp, 'forced', `Its status was set to ${status}.`)
    },
    applicationDeleted(application) {
      for (const otp of shelf.all()) {
        if (otp.application !== application) continue
        note(otp, 'application-deleted', 'Its application was deleted: no resend, no check.')
      }
    },
    toEntity,
    toView: view,
    clear: shelf.clear,
  }
}

const timelineTypes = {
  VERIFIED: 'verified',
  EXPIRED: 'expired',
  TOO_MANY_ATTEMPTS: 'locked',
} satisfies Record<FinalStatus, TimelineEntry['type']>

/** AUTO, also of a resend without `via`, is a call for a landline and an SMS otherwise. */
function channelOf(via: Via | undefined, line: Line): 'SMS' | 'VOICE' {
  if (via !== undefined && via !== 'AUTO') return via
  return line === 'landline' ? 'VOICE' : 'SMS'
}
