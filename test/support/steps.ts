import type { Delivery } from '../../src/outcomes.js'
import type { FlowRef } from '../../src/secrets/secrets.js'
import { createFlowStore } from '../../src/store/flows.js'
import type { EarlierTries, FlowEnd } from '../../src/store/records.js'
import type { ClaimReply } from '../../src/store/steps/claim.js'
import type { FailureRules } from '../../src/store/steps/failures.js'
import type { FlowView } from '../../src/store/steps/flow.js'
import type { ResendReply } from '../../src/store/steps/resend.js'
import type { SendReply } from '../../src/store/steps/send.js'
import type { SettleCheckReply } from '../../src/store/steps/settle-check.js'
import type { SendResult } from '../../src/store/steps/settle.js'
import type { StepStore } from '../../src/store/store.js'

/*
 * The steps of a store as tests of its transitions take them: one flow, without limits around it. What each
 * limit does is tested where it is made.
 */

export type { FlowEnd, SendResult }
export type ResendResult = 'sent' | 'failed' | 'renew'

export interface CheckRules extends FailureRules {
  /** Failures that a known browser has to itself. */
  browserFailures: number
  browserWindow: number
}

export interface SendRequest {
  reference: string
  number: string
  via: 'sms' | 'voice'
  lease: number
  cooldown: number
  lifetime: number
  current: FlowRef | undefined
  lookedUp: boolean
  lookupEvery: number
}

export interface ResendRequest {
  reference: string
  via: 'sms' | 'voice'
  lease: number
  waits: readonly number[]
  cooldown: number
  renewBelow: number
  lifetime: number
  maxLifetime: number
  lookedUp: boolean
}

export interface CheckRequest {
  attempt: string
  codeHash: string
  lease: number
  /** How long the app may take to open its session. */
  openingLease: number
  window: number
  joining: boolean
  again: boolean
  lookupEvery: number
}

export type CheckResult =
  /** `reference`: that of the claim unless given. */
  | {
      result: 'verified'
      codeHash: string
      reference?: string
      lease: number
      window: number
    }
  | { result: 'wrong'; counted: number | undefined; late?: boolean }
  | { result: 'over'; end: FlowEnd; failed: boolean }
  | { result: 'unprocessed' | 'unasked'; late: boolean }
  | { result: 'unresolved' }

export type FlowRecord = FlowView & { deliveryDue: boolean; lookupDue: boolean; busy: boolean }

export type CheckClaim = ClaimReply & { earlier?: EarlierTries }

export interface StoreSteps {
  reserveSend(ref: FlowRef, request: SendRequest): Promise<SendReply>
  settleSend(ref: FlowRef, reference: string, result: SendResult): Promise<boolean>
  reserveResend(ref: FlowRef, request: ResendRequest): Promise<ResendReply>
  settleResend(ref: FlowRef, reference: string, result: ResendResult): Promise<boolean>
  claimCheck(ref: FlowRef, request: CheckRequest, rules: CheckRules): Promise<CheckClaim>
  settleCheck(
    ref: FlowRef,
    attempt: string,
    result: CheckResult,
    rules: CheckRules,
  ): Promise<SettleCheckReply>
  complete(
    ref: FlowRef,
    attempt: string,
    opener?: string,
    session?: string,
    refusal?: string,
  ): Promise<boolean>
  release(ref: FlowRef, attempt: string, opener?: string): Promise<void>
  read(ref: FlowRef, every?: number): Promise<FlowRecord | undefined>
  setDelivery(ref: FlowRef, delivery: Delivery): Promise<void>
  end(ref: FlowRef, end: FlowEnd): Promise<FlowView | undefined>
  unlock(tag: string): Promise<void>
  failures(tag: string): Promise<{ total: number; wait: number }>
}

export const window = 60
export const repeats = 3

/** What each try was claimed for, whichever process it was. */
const references = new Map<string, string>()
const nameOf = ({ flow }: FlowRef, attempt: string) => `${flow} ${attempt}`

export function createSteps(store: StepStore): StoreSteps {
  const flows = createFlowStore(store)
  const browserLimitOf = (
    { browserTag }: FlowRef,
    { browserFailures, browserWindow }: CheckRules,
  ) =>
    browserTag === undefined
      ? undefined
      : { name: `failed:${browserTag}`, points: browserFailures, duration: browserWindow }
  return {
    reserveSend: (ref, request) => flows.send(ref, { country: 'US', ...request }),
    settleSend: async (ref, reference, result) =>
      (await flows.settleSend(ref, reference, result)).kept,
    reserveResend: (ref, request) => flows.resend(ref, request),
    settleResend: (ref, reference, result) =>
      flows.settleResend(ref, reference, { result, lifetime: 300, maxLifetime: 600 }),
    async claimCheck(ref, { codeHash, ...request }, rules) {
      const browserLimit = browserLimitOf(ref, rules)
      const claimed = await flows.claim(ref, {
        ...request,
        hash: codeHash,
        repeats,
        rules,
        browserLimit,
      })
      if ('record' in claimed)
        references.set(nameOf(ref, request.attempt), claimed.record.reference)
      return claimed
    },
    async settleCheck(ref, attempt, given, rules) {
      const browserLimit = browserLimitOf(ref, rules)
      const result =
        given.result === 'verified'
          ? {
              result: given.result,
              hash: given.codeHash,
              reference: given.reference ?? references.get(nameOf(ref, attempt)) ?? '',
              openingLease: given.lease,
              window: given.window,
            }
          : given.result === 'wrong'
            ? { late: false, ...given }
            : given
      const settled = await flows.settleCheck(ref, { attempt, result, rules, browserLimit })
      // No address takes part here.
      return settled.status === 'settled' ? { ...settled, taken: undefined } : settled
    },
    complete: (ref, attempt, opener = attempt, session, refusal) =>
      flows.complete(ref, {
        attempt,
        opener,
        window,
        ...(session !== undefined && { session }),
        ...(refusal !== undefined && { refusal }),
      }),
    release: (ref, attempt, opener = attempt) => flows.release(ref, { attempt, opener }),
    async read(ref, every) {
      const { record, ...due } = await flows.read(ref, every)
      return record && { ...record, ...due }
    },
    async setDelivery(ref, delivery) {
      const { record } = await flows.read(ref)
      const { reference = '', resends = 0 } = record ?? {}
      await flows.deliver(ref, { delivery, reference, resends, fallback: false })
    },
    end: flows.end,
    unlock: (tag) => flows.unlock(tag, false),
    failures: flows.failures,
  }
}
