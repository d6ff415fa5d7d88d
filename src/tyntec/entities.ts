/** How tyntec delivers a code. `AUTO` lets tyntec choose: SMS for a mobile number, a call for a landline. */
export type Via = 'SMS' | 'VOICE' | 'AUTO'

/** The states tyntec documents. More may be added, so an unknown one is passed on as it came. */
export type OtpStatus = 'ACTIVE' | 'VERIFIED' | 'EXPIRED' | 'TOO_MANY_ATTEMPTS' | (string & {})

/** tyntec's `OtpStatusEntity`. Any property may be missing or null in an answer; both read as `undefined`. */
export interface Otp {
  otpId: string
  otpStatus?: OtpStatus
  number?: string
  referenceId?: string
  attemptCount?: number
  /** Milliseconds since the epoch, by tyntec's clock. */
  created?: number
  /** Milliseconds since the epoch, by tyntec's clock. */
  expire?: number
  timestampCreated?: string
  timestampExpire?: string
  accountId?: string
  applicationId?: string
}

/** tyntec's `StatusEvent`. */
export interface OtpEvent {
  type?: string
  status?: string
  statusText?: string
  created?: number
  timestampCreated?: string
}

/** What `POST /2fa/v1/otp` takes. Times and codes are tyntec's; see its reference for defaults. */
export interface SendParameters {
  /** E.164 with the `+`. */
  number: string
  via?: Via
  referenceId?: string
  applicationId?: string
  country?: string
  language?: string
  text?: string
  otpCode?: string
  sender?: string
  caller?: string
  pinLength?: number
}

/** What a resend may say. */
export interface ResendParameters {
  via?: Via
  sender?: string
  caller?: string
}

/** How tyntec answered a resend. */
export type ResendAnswer =
  | { result: 'sent'; otp: Otp }
  /** The OTP is over or unknown: no message went out. */
  | { result: 'over' }

/** How tyntec answered a check. */
export type CheckAnswer =
  /** 202 with `VERIFIED` for the id that was asked. The only proof of a right code. */
  | { result: 'valid'; otp: Otp }
  /** 401 with the OTP's entity: the code was looked at and is wrong. */
  | { result: 'wrong'; otp: Otp }
  /**
   * The OTP has ended. `counted` tells whether this very call ended it (403) or it was over before
   * (410, 404) and the code was not looked at. `verified` with `counted: false` never proves this code.
   */
  | {
      result: 'over'
      end: 'expired' | 'attempts' | 'verified' | 'unknown'
      counted: boolean
      otp?: Otp
    }

/**
 * tyntec's `TwoFactorAuthApplicationEntity`, with what real answers hold beyond the reference. Any property
 * may be missing or null in an answer; both read as `undefined`.
 */
export interface Application {
  applicationId?: string
  accountId?: string
  name?: string
  /** Codes of letters (lower case) and digits. */
  alphanumeric?: boolean
  /** Tries at one code. */
  attempts?: number
  /** Seconds until a code expires. */
  expire?: number
  /** Characters of a code. */
  pinLength?: number
  /** Sender of SMS. */
  sender?: string
  /** Caller of voice calls. */
  caller?: string
  /** Milliseconds since the epoch, by tyntec's clock. */
  created?: number
  /** Texts by language, `en`; one that a call reads out ends with `-voice`. */
  template?: Record<string, string>
}

/** What a new application can be given. */
export interface ApplicationParameters {
  name?: string
  alphanumeric?: boolean
  attempts?: number
  /** Seconds, from 30 to 7200. */
  expire?: number
  /** From 4 to 10. */
  pinLength?: number
  sender?: string
  caller?: string
}

/** What can be changed. `alphaNumeric` is written so here, and only here, in tyntec's reference. */
export interface ApplicationChanges extends Omit<ApplicationParameters, 'alphanumeric'> {
  alphaNumeric?: boolean
  /** Takes the caller away. */
  deleteCaller?: boolean
}

/** A language template. */
export interface TemplateParameters {
  /** ISO 639-1. */
  language: string
  /** Has to hold `{{OTP}}`; `{{SEC}}` is the validity in seconds. */
  text: string
  /** For one channel only. */
  channel?: 'SMS' | 'VOICE'
}

/** What `POST` and `GET /messaging/v1/sms` take. */
export interface SmsParameters {
  to: string
  /** A number, or up to 11 letters and digits. */
  from: string
  message: string
  /** @default 'AUTO' */
  encoding?: 'AUTO' | 'GSM7' | 'UNICODE'
  gateway?: string
  /** The message counts for the conversion rate. */
  conversion?: boolean
  /** A time to come, ISO 8601 with an offset. */
  sendDateTime?: string
  /** Minutes, as text. */
  validity?: string
  /** Comes back in delivery reports. */
  reference?: string
  /** Where delivery reports go. */
  callbackUrl?: string
  callbackMethod?: 'POST' | 'GET'
  /** Parts that the message may take. Each is billed. */
  partLimit?: number
  /** From 0 to 1: the share of characters that may be replaced to fit GSM-7. */
  trate?: number
  /** From 0 to 1: the share of characters that may be left out to fit GSM-7. */
  mrate?: number
  upperCased?: boolean
  keepEmojis?: boolean
  flash?: boolean
}

/** The states tyntec documents. More may be added, so an unknown one is passed on as it came. */
export type SmsStatus =
  | 'ACCEPTED'
  | 'BUFFERED'
  | 'DELIVERED'
  | 'EXPIRED'
  | 'REJECTED'
  | 'UNDELIVERABLE'
  | (string & {})

/** tyntec's `RestMessagePart`. */
export interface SmsPart {
  partId?: string
  deliveryState?: SmsStatus
  statusText?: string
  errorCode?: string
  /** A decimal number as text, in `currency`. */
  price?: string
  currency?: string
  priceEffective?: string
  sentDate?: string
  doneDate?: string
}

/** tyntec's `RestMessageResponse`. Dates are as tyntec writes them. */
export interface SmsMessage {
  requestId: string
  status?: SmsStatus
  to?: string
  from?: string
  reference?: string
  /** How many parts. */
  size?: number
  parts?: SmsPart[]
  errorCode?: string
  errorReason?: string
  href?: string
  /** Country and network of the phone. */
  mccmnc?: string
  ttid?: string
  submitDate?: string
  sentDate?: string
  doneDate?: string
  priceEffective?: string
}
