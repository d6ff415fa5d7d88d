import type { Effect, Operation } from '../faults/rules.js'
import type { Reason } from '../reason.js'
import type { Answer } from './answer.js'
import type { Parameters, Problem } from './parameters.js'

/** A call of tyntec's API with a good key, on its way to the operation. */
export interface ApiCall {
  operation: Operation
  method: string
  accountId: string
  /** What stands in the path's places, in their order. */
  ids: readonly string[]
  given: Parameters
  /** JSON or the fields of a form, already read; `undefined` without a body. */
  body: unknown
  /** The body was a form, in which everything is a text. */
  isForm: boolean
  /** The call's `seq` in the journal. */
  seq: number
  /** What a fault or a magic number does to the message or the OTP. */
  effect: Effect | undefined
  reason: Reason | undefined
  /** `bare`: the reference lists this status without a body. */
  refuse(status: number, problem: Problem, bare?: boolean): Answer
}

/** What is known of a call before its parameters have been read strictly. */
export interface Glance {
  method: string
  ids: readonly string[]
  search: string
  body: unknown
}

export interface OperationEntry {
  /** What the query may hold. */
  parameters?: readonly string[]
  /** Whether a body is read: otherwise it is ignored, as tyntec takes everything from the query. */
  body?: boolean
  /** The status of success, for faults that stand for it without the work. @default 200 */
  success?: number
  /** The number that the call is about, for faults by number and magic numbers. */
  number?(glance: Glance): string | undefined
  perform(call: ApiCall): Answer
}

export type OperationTable = Partial<Record<Operation, OperationEntry>>
