import type { Channel, Delivery } from '../outcomes.js'
import type { CheckAnswer, Otp, ResendAnswer } from '../tyntec/index.js'

/** One message to one person. */
export interface Order {
  /** Unguessable and new for each message: what a send is found by whose answer was lost. */
  reference: string
  number: string
  via: Channel
  /** ISO 639-1. */
  language: string | undefined
  /** The code, where it is ours. */
  code: string | undefined
}

/** A message that a carrier has taken. */
export interface Carried {
  /** What the carrier calls it: the otpId, where tyntec judges the code. */
  id: string
  /** Seconds for which the code can be used, where the carrier says. */
  lifetime?: number | undefined
}

/** Who brings a code to a person. */
export interface Carrier {
  /** The code is made here. Only its HMAC is kept, and the store judges it. */
  readonly ownCode: boolean
  /**
   * Hands one message over, once.
   *
   * @throws {OtpError} `processed` tells whether a message may have gone out
   */
  send(order: Order): Promise<Carried>
  /** What has become of a message. */
  delivery(id: string): Promise<Delivery>
}

/** What a judge is told beside an otpId. */
export interface Known {
  number: string
  /** tyntec's count of checks, as last heard. */
  counted: number
}

/** A carrier that makes the codes itself, and says whether one is right. */
export interface Judge extends Carrier {
  readonly ownCode: false
  /** Finds a send whose answer was lost. Nothing is no proof that it did not go out. */
  find(number: string, reference: string): Promise<Carried | undefined>
  resend(otpId: string, via: Channel): Promise<ResendAnswer>
  check(otpId: string, code: string, known: Known): Promise<CheckAnswer>
  read(otpId: string, known: Known): Promise<Otp | undefined>
  drop(otpId: string): Promise<void>
}

/** The carriers of one step. */
export interface Carriers {
  /** Who brings messages of this channel. */
  of(via: Channel): Carrier
  readonly judge: Judge
}
