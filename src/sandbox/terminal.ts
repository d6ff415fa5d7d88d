import type { Call } from './journal.js'
import type { Message } from './messages.js'

/** `SMS    +12015550100  4242  (expires 5:00)`; `expire` is the OTP's, in milliseconds. */
export function messageLine(message: Message, expire: number | undefined, now: number): string {
  const { channel, to, code, text } = message
  const start = `${channel.toUpperCase().padEnd(5)}  ${to}`
  if (expire === undefined) return `${start}  ${JSON.stringify(text)}`
  const seconds = Math.max(0, Math.round((expire - now) / 1000))
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return `${start}  ${code}  (expires ${left})`
}

/** `API    POST /2fa/v1/otp  401  The header apikey is missing.` */
export function callLine({ method, path, status, hint, reason }: Call): string {
  const why = hint ?? reason?.text
  return `API    ${method} ${path}  ${status ?? 'no answer'}${why === undefined ? '' : `  ${why}`}`
}
