import { helpOf } from '../errors.js'
import type { OtpEvent } from '../event.js'

const warned = new Set<string>()

/** Once in a process, however many flows there are: each of them has an event of its own. */
export function warnOnce(key: string, code: string, message: string): void {
  if (warned.has(key)) return
  warned.add(key)
  process.emitWarning(message, { type: 'OtpWarning', code, detail: helpOf(code) })
}

const advice =
  'Told once, because nothing listens to the events of the flow: createOtpFlow({ logger }) or { onEvent } hears all'

/**
 * Tells of an event that is in no log, the first of its kind: what fails because of the set-up must not end in a
 * 503, a 403 or a 429 with nothing on the terminal.
 */
export function tellTerminal(event: OtpEvent): void {
  switch (event.type) {
    case 'misuse': {
      const { check, code, message } = event
      // Each peer with a hole is a finding of its own.
      const key = check === 'peers' ? message : check
      return warnOnce(
        key,
        code,
        `${message} (validate: { ${check}: false } switches this check off)`,
      )
    }
    case 'error': {
      const { step, code, message } = event
      if (step === 'request') return warnOnce(message, code, message)
      const sentence = message.endsWith('.') ? message : `${message}.`
      return warnOnce(`error ${step} ${code}`, code, `${step}: ${sentence} ${advice}`)
    }
    case 'request.refused': {
      const { reason, compared } = event
      if (reason !== 'cross_site' || compared === undefined) return
      const message = `Refused as cross_site: ${compared}. Is it your own page, give its origin as "origin". ${advice}`
      return warnOnce('cross_site', 'OTP_CROSS_SITE', message)
    }
    case 'limit.hit': {
      const { limit } = event
      return warnOnce(
        `limit ${limit}`,
        'OTP_LIMIT',
        `A request was refused by the limit ${limit}. ${advice}`,
      )
    }
    default:
      return
  }
}
