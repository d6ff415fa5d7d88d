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
