import { OtpError } from '../errors.js'
import { isLoopback } from './loopback.js'

/**
 * The proxy that the environment names for https, as curl and others read it. Loopback is never asked for
 * through one. A name in `NO_PROXY` is looked at with each connection.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function proxyOf(origin: string): string | undefined {
  const { protocol, hostname } = new URL(origin)
  if (protocol !== 'https:' || isLoopback(hostname)) return undefined
  // oxlint-disable-next-line node/no-process-env -- Names that are common to all programs.
  const proxy = process.env.https_proxy || process.env.HTTPS_PROXY
  if (!proxy) return undefined
  // The address may hold a password, so it is not shown, and undici's own error would show it.
  if (!/^https?:\/\/\S+$/i.test(proxy) || !URL.canParse(proxy)) {
    throw new OtpError(
      'ERR_OTP_OPTIONS',
      'HTTPS_PROXY must be a URL that begins with http:// or https://.',
    )
  }
  return proxy
}
