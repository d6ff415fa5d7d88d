import { channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import { OtpError } from './errors.js'
import type { OtpEvent, OtpEventBody, OtpEventListener, OtpEventOf } from './event.js'
import { createLogSink, levels, type OtpLogger } from './log.js'
import { tellTerminal } from './setup/terminal.js'

export type * from './event.js'

export interface Events {
  emit(event: OtpEventBody): void
  /**
   * Adds a listener: of one type, of all, or with `count` of none, so that an operator who only counts is told
   * on the terminal what a listener would hear.
   */
  on(listener: OtpEventListener, hears?: OtpEvent['type'] | 'count'): () => void
}

/** The event of an error. Of what is not ours nothing is told, since its text can hold anything. */
export function errorEvent(step: string, error: unknown): OtpEventBody & { type: 'error' } {
  if (!(error instanceof OtpError)) {
    return { type: 'error', step, code: 'ERR_OTP_MISUSE', message: 'Unexpected error' }
  }
  const { code, message, processed } = error
  return { type: 'error', step, code, message, ...(processed && { processed }) }
}

/**
 * Listens to the events of one type.
 *
 * @throws {OtpError} `ERR_OTP_MISUSE` when there is no such event
 */
export function onType<Type extends OtpEvent['type']>(
  events: Events,
  type: Type,
  listener: (event: OtpEventOf<Type>) => unknown,
): () => void {
  if (!Object.hasOwn(levels, type) || typeof listener !== 'function') {
    throw new OtpError('ERR_OTP_MISUSE', 'on() takes the type of an event and a function')
  }
  return events.on(
    (event) => (event.type === type ? listener(event as OtpEventOf<Type>) : undefined), // it is of this type
    type,
  )
}

const debug = debuglog('passport-tyntec-otp')

/** Every event is published here too, for tools that are not part of the app's code. */
const published = channel('passport-tyntec-otp')

/** The app is wrong, and no request can ever go right because of it. */
function isOfTheSetup(event: OtpEvent): boolean {
  return event.type === 'misuse' || (event.type === 'error' && event.step === 'request')
}

/** Listeners are told in turn; what one throws changes nothing for the person or the others. */
export function createEvents(
  first: OtpEventListener | undefined,
  logger: OtpLogger | undefined,
): Events {
  const listeners = new Map<OtpEventListener, OtpEvent['type'] | 'count' | undefined>()
  if (logger) listeners.set(createLogSink(logger), undefined)
  if (first) listeners.set(first, undefined)
  return {
    emit(body) {
      const event: OtpEvent = { ...body, at: Date.now() }
      debug('%j', event)
      if (published.hasSubscribers) published.publish(event)
      const hears = [...listeners.values()].some(
        (type) => type === undefined || type === event.type,
      )
      // A log is where operators look: what is in one is not told on the terminal a second time. Other
      // listeners may only count, so how the app is set up is told whether they hear of it or not.
      const heard = hears || published.hasSubscribers
      if (!logger && (isOfTheSetup(event) || !heard)) tellTerminal(event)
      for (const listener of listeners.keys()) {
        // An async listener must not end the process either.
        const told = async () => listener(event)
        told().catch((error: unknown) => {
          debug('a listener threw %s', error instanceof Error ? error.name : typeof error)
        })
      }
    },
    on(listener, hears) {
      listeners.set(listener, hears)
      return () => listeners.delete(listener)
    },
  }
}
