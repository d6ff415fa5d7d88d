import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { OtpError } from '../errors.js'
import type { ChatCalls, OtpCalls, SmsCalls, TyntecClient } from '../tyntec/index.js'
import { createBreaker, restTime } from './breaker.js'

/** Calls to tyntec that may be under way at once in this process. */
export interface Concurrency {
  sends: number
  checks: number
}

/** Which calls share places: a flood of sends leaves the checks theirs. */
export type Share = 'sends' | 'checks' | 'others'

/** Which of tyntec's APIs is asked. */
export type Api = 'otp' | 'sms' | 'chat'

/** The calls of a flow. */
export type Calls = Pick<
  OtpCalls,
  'send' | 'resend' | 'find' | 'check' | 'read' | 'delete' | 'events'
>

export interface Pressure {
  /** For one step, which has to `leave` when it ends. */
  enter(): Access
}

/** One step's way to tyntec. */
export interface Access {
  otp: Calls
  sms: Pick<SmsCalls, 'send' | 'status'>
  chat: Pick<ChatCalls, 'send' | 'status'>
  /**
   * The browser has signed in with this number before. A tenth of the places is kept for such browsers, and one of
   * them may ask while tyntec gets a rest: strangers can fill the others, and cause the rest.
   */
  known: boolean
  /**
   * Refuses a request that has only arrived, while tyntec gets a rest or all places are taken, so that an overload
   * costs no round trip to Redis and nobody's limits. It takes no place.
   *
   * @throws {OtpError} `ERR_OTP_PROVIDER_UNAVAILABLE`
   */
  refuseEarly(share: 'sends' | 'checks', api?: Api): void
  /**
   * Before the call of a step that holds a claim.
   *
   * @throws {OtpError} `ERR_OTP_PROVIDER_UNAVAILABLE`: then tyntec has not been asked
   */
  take(share: 'sends' | 'checks', api?: Api): void
  /** Asks tyntec for something that it can't have: a call that does nothing, and fails as others would. */
  probe(share: Share, api?: Api): Promise<void>
  leave(): void
}

/** Milliseconds that an API which seems to be away has to answer about nobody. */
const patience = 2000

/** The share of all places that is kept for known browsers. */
const reserve = 0.1

/**
 * Keeps a slow or failing tyntec from taking the app with it: a bounded number of calls at once,
 * none in a queue, and a breaker that stops asking while most of them fail, whomever they are about.
 */
export function createPressure(client: TyntecClient, concurrency: Concurrency): Pressure {
  // One of tyntec's APIs that fails says nothing of the others, which a person may go on with.
  const breakers = { otp: createBreaker(), sms: createBreaker(), chat: createBreaker() }
  const places = { ...concurrency, others: Math.ceil(concurrency.checks / 2) }
  const running = { sends: 0, checks: 0, others: 0 }
  /** The steps that find out whether tyntec is back. */
  const scouts: { [name in Api]?: Access | undefined } = {}

  const { otp, sms, chat } = client
  const askAboutNobody = async (api: Api, id = randomUUID()): Promise<void> => {
    if (api === 'otp') await otp.read(id)
    else if (api === 'sms') await sms.status(id)
    else await chat.status(id)
  }
  /** APIs that seem to be away. */
  const doubted = new Set<Api>()
  const doubt = async (api: Api): Promise<void> => {
    if (doubted.has(api)) return
    doubted.add(api)
    const answered = askAboutNobody(api).then(
      () => true,
      (error: unknown) => !isOutage(error),
    )
    const late = sleep(patience, false, { ref: false })
    breakers[api].settle(!(await Promise.race([answered, late])))
    doubted.delete(api)
  }
  const enter = (): Access => {
    const refuse = (share: Share, api: Api = 'otp') => {
      const { state } = breakers[api]
      const scout = scouts[api]
      const rests = state === 'open' && !access.known
      if (rests || (state !== 'closed' && scout && scout !== access)) throw resting()
      const kept = access.known ? 0 : Math.floor(places[share] * reserve)
      if (running[share] >= places[share] - kept) throw tooMany()
    }
    const askOf = async <T>(
      api: Api,
      share: Share,
      about: string,
      call: () => Promise<T>,
    ): Promise<T> => {
      const breaker = breakers[api]
      refuse(share, api)
      const scouting = breaker.state !== 'closed'
      if (scouting) scouts[api] = access
      running[share]++
      try {
        const answer = await call()
        breaker.tell(about, false, scouting)
        return answer
      } catch (error) {
        if (breaker.tell(about, isOutage(error), scouting)) void doubt(api)
        throw error
      } finally {
        running[share]--
      }
    }
    const ask = <T>(share: Share, about: string, call: () => Promise<T>) =>
      askOf('otp', share, about, call)
    const access: Access = {
      known: false,
      otp: {
        send: (parameters) => ask('sends', parameters.number, () => otp.send(parameters)),
        resend: (otpId, parameters) => ask('sends', otpId, () => otp.resend(otpId, parameters)),
        // A look-up follows a send or a check; new ones must not take its place.
        find: (number, reference) => ask('others', number, () => otp.find(number, reference)),
        check: (otpId, code, expected) =>
          ask('checks', expected?.number ?? otpId, () => otp.check(otpId, code, expected)),
        read: (otpId, expected) =>
          ask('checks', expected?.number ?? otpId, () => otp.read(otpId, expected)),
        delete: (otpId) => ask('others', otpId, () => otp.delete(otpId)),
        events: (otpId) => ask('others', otpId, () => otp.events(otpId)),
      },
      sms: {
        send: (parameters) => askOf('sms', 'sends', parameters.to, () => sms.send(parameters)),
        status: (id) => askOf('sms', 'others', id, () => sms.status(id)),
      },
      chat: {
        send: (message) => askOf('chat', 'sends', message.to, () => chat.send(message)),
        status: (id) => askOf('chat', 'others', id, () => chat.status(id)),
      },
      refuseEarly: refuse,
      take: refuse,
      async probe(share, api = 'otp') {
        const id = randomUUID()
        await askOf(api, share, id, () => askAboutNobody(api, id))
      },
      leave() {
        for (const api of ['otp', 'sms', 'chat'] as const) {
          if (scouts[api] === access) scouts[api] = undefined
        }
      },
    }
    return access
  }
  return { enter }
}

/** What speaks of tyntec as a whole, not of one number or code. */
export function isOutage(error: unknown): error is OtpError {
  return (
    error instanceof OtpError &&
    (error.code === 'ERR_OTP_PROVIDER_UNAVAILABLE' ||
      error.code === 'ERR_OTP_PROVIDER_AUTH' ||
      (error.code === 'ERR_OTP_PROVIDER_RESPONSE' && error.processed === 'unknown'))
  )
}

function tooMany(): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', 'Too many calls to tyntec are under way', {
    processed: 'no',
    retryAfter: 2,
  })
}

function resting(): OtpError {
  return new OtpError(
    'ERR_OTP_PROVIDER_UNAVAILABLE',
    'Most calls to tyntec fail, so it gets a rest',
    { processed: 'no', retryAfter: restTime },
  )
}
