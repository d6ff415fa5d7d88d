import { randomInt, randomUUID } from 'node:crypto'
import { isAboutNumber, OtpError } from '../errors.js'
import { errorEvent, type Events } from '../events.js'
import type { Secrets } from '../secrets/secrets.js'
import type { StepStore } from '../store/store.js'
import type { ChatCalls, Otp, OtpCalls, SmsCalls, TyntecClient, Via } from '../tyntec/index.js'
import type { Known } from './carrier.js'
import { alike, createAlarm, createPace, type Pace, sample } from './pace.js'
import { type Api, type Calls, isOutage, type Share, type Access } from './pressure.js'
import { sharePace } from './shared-pace.js'

/** tyntec for one step of a flow, which says what it knows beside what tyntec has to be told. */
export interface StepClient {
  otp: Omit<Calls, 'check' | 'read'> & {
    check(otpId: string, code: string, known: Known): ReturnType<OtpCalls['check']>
    read(otpId: string, known: Known): Promise<Otp | undefined>
  }
  sms: Pick<SmsCalls, 'send' | 'status'>
  chat: {
    /** `reference`: names the send, which tyntec is not told. */
    send(
      message: Parameters<ChatCalls['send']>[0],
      reference: string,
    ): ReturnType<ChatCalls['send']>
    status: ChatCalls['status']
  }
}

/** Calls that may take their own time, a voice call's another than a message's. */
type Kind = `${'send' | 'resend'} ${Via}` | 'send text' | 'send chat' | 'check' | 'delete'

/** What the latest calls of a kind have told. */
interface Lately {
  pace: Pace
  /** The latest one failed, after so many milliseconds. */
  failure: (Told<OtpError> & { took: number }) | undefined
}

interface Told<T> {
  what: T
  at: number
}

/** Seconds for which what has become of one call speaks for those that come after it. */
const holds = 60

/** tyntec's tries at one code, unless the application says otherwise. */
const usualTries = 3

/**
 * Stands in for tyntec where a number is not known to the app: the flow around it is the same, with
 * the same records, limits and answers. A reference or an otpId of ours says that it is a decoy. What tyntec
 * would have said, and when, is taken from what it has lately said to others.
 */
export interface Decoys {
  /** A client that keeps in mind how its calls end. */
  observed(client: TyntecClient): TyntecClient
  /** A client for one step, in which references and ids that are decoys never reach tyntec. */
  enter(access: Access): StepClient
  /** Tells other processes what is new. */
  close(): Promise<void>
}

export function createDecoys(
  secrets: Secrets,
  attempts: number,
  events: Events,
  store: Pick<StepStore, 'keepNote' | 'note'>,
): Decoys {
  const { isDecoyId, isDecoyReference } = secrets
  const lately = new Map<string, Lately>()
  const latelyOf = (kind: string): Lately => {
    const known = lately.get(kind)
    if (known) return known
    const made: Lately = { pace: createPace(), failure: undefined }
    lately.set(kind, made)
    return made
  }
  const probes = createPace()
  const until = createAlarm()
  /** Milliseconds that tyntec's latest code could be used. */
  let lifetime: number | undefined
  /** tyntec's tries at one code, as far as it has shown them. */
  const unshown = Math.max(usualTries, attempts)
  let tries = unshown
  /** The latest send whose answer was lost was in tyntec's list. */
  let listed: Told<boolean> | undefined
  /** The latest check whose answer was lost was counted. */
  let counts: Told<boolean> | undefined

  const shared = sharePace(store, {
    show: () => ({
      times: Object.fromEntries(
        [...lately].map(([kind, { pace }]) => [kind, sample(pace.latest().times)]),
      ),
      lifetime,
      tries,
    }),
    adopt(shown) {
      for (const [kind, times] of Object.entries(shown.times)) latelyOf(kind).pace.adopt(times)
      lifetime ??= shown.lifetime
      if (tries === unshown) tries = shown.tries ?? unshown
    },
  })

  const createOtp = (): Otp => ({
    otpId: secrets.createDecoyId(randomUUID()),
    ...(lifetime !== undefined && { created: 0, expire: lifetime }),
  })

  /** Only known numbers are ever refused by tyntec for what they are, so that must not be seen. */
  const unseen =
    <T>(step: string, instead: () => T) =>
    (error: unknown): T => {
      if (!isAboutNumber(error)) throw error
      events.emit(errorEvent(step, error))
      return instead()
    }

  const measured = async <T>(kind: Kind, call: () => Promise<T>): Promise<T> => {
    const of = latelyOf(kind)
    const started = performance.now()
    void shared.known()
    try {
      const answer = await call()
      of.pace.add(performance.now() - started)
      of.failure = undefined
      shared.changed()
      return answer
    } catch (error) {
      if (isOutage(error) || (isRefused(error) && (kind === 'check' || !isAboutNumber(error)))) {
        const at = performance.now()
        of.failure = { what: error, at, took: at - started }
      }
      throw error
    }
  }

  /**
   * A harmless call shows whether tyntec can be asked, and how slow it is now. The rest of the time, and
   * the failure if there was one, are those of the calls of others.
   */
  const pretend = async (access: Access, kind: Kind): Promise<void> => {
    const { failure } = latelyOf(kind)
    const started = performance.now()
    const [took] = await Promise.all([
      access.probe(shareOf(kind), apiOf(kind)).then(() => performance.now() - started),
      shared.known(),
    ])
    const seen = likeliest(kind)
      .map((near) => latelyOf(near).pace.latest())
      .find(({ times }) => times.length > 0)
    // Of the same time: what was slow then is not compared with what is quick now.
    const others = seen && probes.from(seen.since)
    probes.add(took)
    if (failure && isRecent(failure)) {
      await until(started, failure.took)
      throw failure.what
    }
    if (seen && others) await until(started, alike(took, others, seen.times, fraction))
  }

  return {
    observed: ({ otp, sms, chat, ...others }) => ({
      ...others,
      otp: {
        ...otp,
        async send(parameters) {
          const sent = await measured(`send ${parameters.via ?? 'SMS'}`, () => otp.send(parameters))
          const length = (sent.expire ?? Number.NaN) - (sent.created ?? Number.NaN)
          if (length > 0) lifetime = length
          return sent
        },
        resend: (otpId, parameters = {}) =>
          measured(`resend ${parameters.via ?? 'SMS'}`, () => otp.resend(otpId, parameters)),
        async check(otpId, code, expected) {
          const answer = await measured('check', () => otp.check(otpId, code, expected))
          const shown = answer.otp?.attemptCount ?? Number.NaN
          if (answer.result === 'wrong' && shown >= tries) tries = shown + 1
          if (answer.result === 'over' && answer.end === 'attempts' && shown > 0) tries = shown
          return answer
        },
        delete: (otpId) => measured('delete', () => otp.delete(otpId)),
      },
      sms: {
        ...sms,
        send: (parameters) => measured('send text', () => sms.send(parameters)),
      },
      chat: {
        ...chat,
        send: (message) => measured('send chat', () => chat.send(message)),
      },
    }),

    enter(access) {
      const { otp, sms, chat } = access
      const decoyId = () => secrets.createDecoyId(randomUUID())
      return {
        otp: {
          async send(parameters) {
            if (!isDecoyReference(parameters.referenceId)) {
              return otp.send(parameters).catch(unseen('send', createOtp))
            }
            await pretend(access, `send ${parameters.via ?? 'SMS'}`)
            return createOtp()
          },
          async resend(otpId, parameters = {}) {
            const sent = { result: 'sent', otp: { otpId } } as const
            if (!isDecoyId(otpId)) {
              return otp.resend(otpId, parameters).catch(unseen('resend', () => sent))
            }
            await pretend(access, `resend ${parameters.via ?? 'SMS'}`)
            return sent
          },
          async check(otpId, code, { number, counted }) {
            if (!isDecoyId(otpId)) return otp.check(otpId, code, { number })
            await pretend(access, 'check')
            const attemptCount = counted + 1
            return attemptCount < tries
              ? { result: 'wrong', otp: { otpId, attemptCount } }
              : { result: 'over', end: 'attempts', counted: true, otp: { otpId, attemptCount } }
          },
          async read(otpId, { number, counted }) {
            if (!isDecoyId(otpId)) {
              const found = await otp.read(otpId, { number })
              const { attemptCount } = found ?? {}
              if (attemptCount !== undefined) counts = told(attemptCount > counted)
              return found
            }
            await access.probe('checks')
            const attemptCount = counted + (isRecent(counts) && counts.what ? 1 : 0)
            const otpStatus = attemptCount < tries ? 'ACTIVE' : 'TOO_MANY_ATTEMPTS'
            return { otpId, attemptCount, otpStatus }
          },
          async find(number, reference) {
            if (!isDecoyReference(reference)) {
              const found = await otp.find(number, reference)
              listed = told(found !== undefined)
              return found
            }
            await access.probe('others')
            const found = isRecent(listed) && listed.what
            return found ? { ...createOtp(), referenceId: reference } : undefined
          },
          async delete(otpId) {
            if (!isDecoyId(otpId)) return otp.delete(otpId)
            await pretend(access, 'delete')
            return true
          },
          events: otp.events,
        },
        sms: {
          async send(parameters) {
            const instead = () => ({ requestId: decoyId() })
            if (!isDecoyReference(parameters.reference)) {
              return sms.send(parameters).catch(unseen('send', instead))
            }
            await pretend(access, 'send text')
            return instead()
          },
          status: sms.status,
        },
        chat: {
          async send(message, reference) {
            const instead = () => ({ messageId: decoyId() })
            if (!isDecoyReference(reference)) {
              return chat.send(message).catch(unseen('send', instead))
            }
            await pretend(access, 'send chat')
            return instead()
          },
          status: chat.status,
        },
      }
    },

    close: shared.close,
  }
}

function apiOf(kind: Kind): Api {
  if (kind === 'send text') return 'sms'
  return kind === 'send chat' ? 'chat' : 'otp'
}

function shareOf(kind: Kind): Share {
  return kind === 'check' ? 'checks' : kind === 'delete' ? 'others' : 'sends'
}

/** The kind itself, and what goes for it where there was none: a resend is much like a send. */
function likeliest(kind: Kind): readonly Kind[] {
  if (kind === 'check' || kind === 'delete' || apiOf(kind) !== 'otp') return [kind]
  const via = kind.endsWith('VOICE') ? 'VOICE' : 'SMS'
  return [kind, `send ${via}`, 'send SMS']
}

function told<T>(what: T): Told<T> {
  return { what, at: performance.now() }
}

function isRecent<T>(told: Told<T> | undefined): told is Told<T> {
  return told !== undefined && performance.now() - told.at < holds * 1000
}

/** tyntec takes neither this number nor, where it is not about the number, any other: the balance is empty. */
function isRefused(error: unknown): error is OtpError {
  return (
    error instanceof OtpError &&
    error.code === 'ERR_OTP_PROVIDER_RESPONSE' &&
    error.processed === 'no'
  )
}

function fraction(): number {
  return randomInt(2 ** 32) / 2 ** 32
}
