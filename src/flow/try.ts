import { OtpError } from '../errors.js'
import type { Origin } from '../limits/origin.js'
import type { Channel, Purpose } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { EarlierTries } from '../store/records.js'
import type { AddressCall } from '../store/flows.js'
import type { Judged } from '../store/steps/claim.js'

/** What one request asks. */
export interface Request {
  ref: FlowRef
  code: string
  hash: string
  purpose: Purpose | undefined
  again: boolean
  origin: Origin
  address: AddressCall | undefined
  /** It has had its look-up, which may have taken until the next is due. */
  lookedUp: boolean
  /** It has waited for another request with this code. */
  joined: boolean
}

/** One try at a code. */
export interface Try {
  ref: FlowRef
  attempt: string
  /** When its lease began. */
  started: number
  request: Pick<Request, 'code' | 'hash' | 'address' | 'origin'>
  /** Of the flow, when the try was claimed. */
  reference: string
  number: string
  via: Channel
  /** ISO 3166-1. */
  country: string
  purpose: string | undefined
  /** Messages that this flow has sent. */
  messages: number
  /** tyntec's; empty for a code of ours. */
  otpId: string
  /** What the store says of a code of ours. */
  judged: Judged
  /** tyntec's count of checks before this one, as last heard. */
  counted: number
  earlier: EarlierTries
}

export function unsettled(): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', 'A check has no known end yet', {
    processed: 'unknown',
    retryAfter: 2,
  })
}
