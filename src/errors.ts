/** Every code this package puts on an error. Adding one is a minor release; changing one is a major. */
export type OtpErrorCode =
  | 'ERR_OTP_OPTIONS'
  | 'ERR_OTP_PROVIDER_AUTH'
  | 'ERR_OTP_PROVIDER_UNAVAILABLE'
  | 'ERR_OTP_PROVIDER_RESPONSE'
  | 'ERR_OTP_STORE_UNAVAILABLE'
  | 'ERR_OTP_BUDGET'
  | 'ERR_OTP_MISUSE'

const statusByCode = {
  ERR_OTP_OPTIONS: 500,
  ERR_OTP_PROVIDER_AUTH: 503,
  ERR_OTP_PROVIDER_UNAVAILABLE: 503,
  ERR_OTP_PROVIDER_RESPONSE: 503,
  ERR_OTP_STORE_UNAVAILABLE: 503,
  ERR_OTP_BUDGET: 503,
  ERR_OTP_MISUSE: 500,
} satisfies Record<OtpErrorCode, number>

/** Where cause and fix of a code are, in the package itself: it is there without a network. */
export function helpOf(code: string): string {
  return `passport-tyntec-otp/docs/errors.md#${code.toLowerCase()}`
}

/** What tyntec has said of an error. Nothing here holds a number, a code, an id or the key. */
export interface ProviderAnswer {
  /** The HTTP status. */
  readonly status: number
  /** tyntec's own code: `1006`, or the name at the end of a problem's `type`. */
  readonly code?: string
  /** tyntec's own words, at most 160 characters; what may be a number, a code or an id is `…`. */
  readonly message?: string
  /** `number` when tyntec refuses the number itself, which is a person's mistake and not yours. */
  readonly about?: 'number'
}

/** tyntec refuses the number itself: it says nothing of the account, the settings or other numbers. */
export function isAboutNumber(error: unknown): boolean {
  return error instanceof OtpError && error.provider?.about === 'number'
}

export interface OtpErrorOptions {
  cause?: unknown
  retryAfter?: number
  processed?: 'no' | 'unknown'
  provider?: ProviderAnswer
}

/** Something the operator has to fix. What a person can cause is an outcome instead. */
export class OtpError extends Error {
  /** Stable; docs/errors.md has a section for each. */
  readonly code: OtpErrorCode
  /** Read by the default error handlers of Express and Koa. */
  readonly status: number
  /** Koa shows the message to the client when this is true: never, for these. */
  readonly expose = false
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined
  /**
   * Whether tyntec may have done what it was asked. `no` only when that is certain: no byte was
   * sent, or tyntec's answer says that it refused.
   */
  readonly processed: 'no' | 'unknown' | undefined
  /** What tyntec answered, where it did. */
  readonly provider: ProviderAnswer | undefined
  /** Where its cause and its fix are: a page in `node_modules`, which has a part for each code. */
  readonly help: string

  constructor(code: OtpErrorCode, message: string, options: OtpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'OtpError'
    this.code = code
    this.status = statusByCode[code]
    this.retryAfter = options.retryAfter
    this.processed = options.processed
    this.provider = options.provider
    this.help = helpOf(code)
  }
}
