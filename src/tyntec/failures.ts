import { OtpError, type OtpErrorOptions } from '../errors.js'

/**
 * An error of another library as a `cause` that is safe to log: its code only. undici's messages
 * may hold the URL with number and code, or the value of a header.
 */
export function safeCause(error: unknown): Error & { code: string } {
  const code = errorCode(error)
  return Object.assign(new Error(code), { code })
}

export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code === 'string' && knownCode.test(code)) return code
  // undici leaves the code of this one out when its parser was stopped from outside.
  return error instanceof Error && error.name === 'HTTPParserError' ? 'HPE_ERROR' : 'UNKNOWN'
}

const knownCode = /^(?:E[A-Z]{2,15}|(?:UND_ERR|HPE|ERR|CERT|UNABLE|DEPTH|SELF)_[A-Z0-9_]{1,48})$/

/** tyntec, or what stands before it, answered something that says nothing sure. */
export function badAnswer(problem: string, options: OtpErrorOptions = {}): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_RESPONSE', `tyntec's answer can't be used: ${problem}.`, {
    processed: 'unknown',
    ...options,
  })
}

/** tyntec has looked at the request and did nothing. */
export function declined(said: string, options: OtpErrorOptions = {}): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_RESPONSE', `tyntec refuses the request (${said}).`, {
    processed: 'no',
    ...options,
  })
}

export function unavailable(problem: string, options: OtpErrorOptions = {}): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', `tyntec is unavailable: ${problem}.`, {
    processed: 'unknown',
    ...options,
  })
}

export function refused(problem: string, options: OtpErrorOptions = {}): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_AUTH', `tyntec can't be used: ${problem}.`, {
    processed: 'no',
    ...options,
  })
}

/** The caller gave a value that can't be sent. Nothing was. */
export function misuse(problem: string): OtpError {
  return new OtpError('ERR_OTP_MISUSE', problem, { processed: 'no' })
}
