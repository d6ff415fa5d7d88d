import { type ApplicationCalls, createApplicationCalls } from './applications.js'
import { createAsking } from './asking.js'
import { type ChatCalls, createChatCalls } from './chat.js'
import { resolveTyntecOptions, type TyntecClientOptions } from './options.js'
import { createOtpCalls, type OtpCalls } from './otp.js'
import { createSmsCalls, type SmsCalls } from './sms.js'
import { createTransport } from './transport.js'

/** A client of tyntec's APIs. It holds connections, so make one per app. */
export interface TyntecClient {
  /** Codes: the 2FA API's OTP service. */
  readonly otp: OtpCalls
  /** How codes look: the 2FA API's application service. */
  readonly applications: ApplicationCalls
  /** Texts: the Messaging API. */
  readonly sms: SmsCalls
  /** WhatsApp and others: the Chat API. */
  readonly chat: ChatCalls
  /** Waits for the calls under way, then closes the connections. Later calls throw. */
  close(): Promise<void>
}

/**
 * Makes a client of tyntec's 2FA, Messaging and Chat APIs. Nothing is loaded or connected before the
 * first call.
 *
 * Calls throw `ERR_OTP_PROVIDER_AUTH` when the key or the account is refused,
 * `ERR_OTP_PROVIDER_UNAVAILABLE` when tyntec can't be asked and `ERR_OTP_PROVIDER_RESPONSE` when
 * it refuses the request or its answer says nothing sure. `processed` on the error tells whether anything may
 * have been done, and `provider` what tyntec has said. No error holds the key, a number, a code or an id.
 *
 * Answers hold what tyntec sends, its later additions too. A property that is missing, null or of another
 * type than documented is left out.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function createTyntecClient(options: TyntecClientOptions): TyntecClient {
  const transport = createTransport(resolveTyntecOptions(options))
  const asking = createAsking(transport)
  return {
    otp: createOtpCalls(asking),
    applications: createApplicationCalls(asking),
    sms: createSmsCalls(asking),
    chat: createChatCalls(asking),
    close: transport.close,
  }
}
