/**
 * Every check of how the app is set up, with the code of its warning. A check only tells: what would be insecure
 * to go on with is refused elsewhere, whether its check is on or off.
 */
export const validationCodes = {
  address: 'OTP_ADDRESS',
  apiKey: 'OTP_API_KEY',
  bodyParser: 'ERR_OTP_MISUSE',
  budget: 'OTP_BUDGET',
  cookieSecure: 'OTP_COOKIE_SECURE',
  countriesAny: 'OTP_COUNTRIES_ANY',
  forwardedFor: 'OTP_FORWARDED_FOR',
  memoryStore: 'OTP_MEMORY_STORE',
  origin: 'OTP_ORIGIN',
  peers: 'OTP_PEERS',
  secret: 'OTP_SECRET',
  session: 'OTP_SESSION',
  smsText: 'OTP_SMS_TEXT',
  trustProxy: 'OTP_TRUST_PROXY',
} as const

/** The name of a check, as the option `validate` has it. */
export type ValidationName = keyof typeof validationCodes
/** The code of the warning of a check. */
export type ValidationCode = (typeof validationCodes)[ValidationName]

/** Which checks of the set-up are made. */
export type ValidateOption = boolean | { readonly [Name in ValidationName]?: boolean | undefined }
