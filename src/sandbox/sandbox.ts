import type { Fault } from './faults/faults.js'
import type { FaultInput } from './faults/parse.js'
import type { JournalEntry } from './journal.js'
import type { Message } from './messages.js'
import type { OtpView } from './otp/view.js'
import type { Webhooks } from './webhooks/webhooks.js'

/** Options of `startSandbox`. */
export interface SandboxOptions {
  /**
   * Port on 127.0.0.1. 0 takes a free one.
   *
   * @default 0
   */
  port?: number

  /**
   * Gets a line for each message that a phone receives (channel, number, code, time left), and one
   * that begins with `API` for each call of tyntec's API (method, path, status, and why it was
   * refused).
   */
  print?: (line: string) => void

  /**
   * Id of one more 2FA application that each key has, with tyntec's defaults. It is there after a
   * reset too.
   *
   * @default the environment variable `SANDBOX_APPLICATION`
   */
  application?: string

  /**
   * Where Chat notifications and received messages are posted: URLs of this machine only. They
   * can be changed on the control route `/_sandbox/webhooks`; a reset brings these back.
   */
  webhooks?: Webhooks
}

/** Options of `waitForCode`. */
export interface WaitOptions {
  /** Only messages with a higher `seq` count: the last one seen before the code was asked for. */
  after?: number

  /**
   * How long to wait, in seconds.
   *
   * @default 5
   */
  timeout?: number
}

/** A sandbox that runs. */
export interface Sandbox {
  /** For `baseUrl`, and in a browser the inbox. */
  readonly url: string
  /**
   * Any key that begins with `sandbox_` is accepted, but for `sandbox_forbidden`, which gets a 403. OTPs
   * belong to the key that made them.
   */
  readonly apiKey: string
  /**
   * The code of the newest message to `number`, waiting for one when there is none yet. Rejects
   * with the last messages and API calls in the message when none came in time.
   */
  waitForCode(number: string, options?: WaitOptions): Promise<string>
  /** What phones received, oldest first. */
  messages(): Message[]
  /** The calls of tyntec's API, oldest first, without their keys. */
  requests(): JournalEntry[]
  /** Every OTP of every key, oldest first, with what happened to it. */
  otps(): OtpView[]
  /**
   * Makes something go wrong from now on. Gives the fault as it is kept, with an `id`.
   *
   * @throws {Error} When a field is missing, unknown or wrong; the message names it.
   */
  fault(fault: FaultInput): Fault
  /** Nothing goes wrong any more, but for magic numbers. */
  noFaults(): void
  /**
   * Moves the sandbox's clock forward: what expires or is due by then does so at once.
   *
   * @throws {Error} When `seconds` is negative or over ten years.
   */
  advance(seconds: number): void
  /** As after the start, except that each `seq` goes on rising. */
  reset(): void
  /** Ends at once, also when calls are under way. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
