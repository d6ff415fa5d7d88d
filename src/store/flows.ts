import type { FlowRef } from '../secrets/secrets.js'
import type { AddressRecord, FlowEnd, NumberRecord } from './records.js'
import type { StepReply } from './steps/index.js'
import type { ClaimReply, ClaimRequest } from './steps/claim.js'
import type { AddressFailures } from './steps/address-failures.js'
import type { NumberPart } from './steps/admission.js'
import type { NextMessage } from './steps/gate.js'
import type { FlowView } from './steps/flow.js'
import type { DeliverArgs, ReadReply } from './steps/read.js'
import type { ResendDueReply, ResendReply, ResendRequest, ResendWaits } from './steps/resend.js'
import type { SendReply, SendRequest } from './steps/send.js'
import type { SettleCheckArgs, SettleCheckReply } from './steps/settle-check.js'
import type { SendResult, SettleResendArgs, SettleSendReply } from './steps/settle.js'
import {
  backKeys,
  backOf,
  backSlots,
  free,
  giveBackParts,
  inParts,
  lookInParts,
  type Message,
  type MessageKeys,
  ofNumber,
  olderOf,
  undoPart,
  type Unsent,
} from './slots.js'
import { flowKey, numberKey } from './keys.js'
import type { Limit } from './steps/limits.js'
import type { StepStore } from './store.js'

/** A request without what the flow's own place says. */
type Placed<Request> = Omit<Request, 'flow' | 'knownBrowser' | 'again'> & { again?: boolean }

export interface SendCall extends Placed<SendRequest> {
  /** The flow this browser has for the same number. */
  current?: FlowRef | undefined
}

export type LookReply = StepReply<'look'>

export type ResendCall = Placed<ResendRequest>

/**
 * The steps of flows, on any store: which records they are about, and, on a Cluster, which call comes
 * after which. Each is safe to run twice with the same reference or attempt.
 */
export interface FlowStore {
  send(ref: FlowRef, call: SendCall, message?: Message, passed?: boolean): Promise<SendReply>
  settleSend(
    ref: FlowRef,
    reference: string,
    result: SendResult,
    more?: { unsent?: Unsent | undefined; old?: FlowRef | undefined },
  ): Promise<SettleSendReply>
  /** Reads the flow of a resend, unless that has to wait. `origin`: where waits are counted. */
  resendDue(
    ref: FlowRef,
    call: Omit<ResendWaits, 'flow' | 'knownBrowser'>,
    origin?: OriginWaits,
    number?: NumberPart,
  ): Promise<ResendDueReply>
  resend(ref: FlowRef, call: ResendCall, message?: Message, passed?: boolean): Promise<ResendReply>
  settleResend(
    ref: FlowRef,
    reference: string,
    args: Pick<SettleResendArgs, 'result' | 'lifetime' | 'maxLifetime'>,
    unsent?: Unsent,
  ): Promise<boolean>
  /** What the traffic looks like, without counting anything: for the app's own challenge. */
  look(message: Message): Promise<LookReply>
  /** The app has refused the message. */
  refuse(message: Message): Promise<void>
  claim(ref: FlowRef, request: ClaimRequest, address?: AddressCall): Promise<ClaimReply>
  settleCheck(
    ref: FlowRef,
    args: Omit<SettleCheckArgs, 'flow' | 'address'>,
    more?: { address?: AddressCall | undefined; keys?: MessageKeys | undefined },
  ): Promise<SettleCheckReply>
  complete(
    ref: FlowRef,
    args: { attempt: string; opener: string; window: number; session?: string; refusal?: string },
  ): Promise<boolean>
  release(ref: FlowRef, args: { attempt?: string | undefined; opener: string }): Promise<void>
  /**
   * `every`: seconds between two readers that are told to ask tyntec. Missing: none is. `next`: what limits the next
   * message.
   */
  read(
    ref: FlowRef,
    every?: number,
    next?: Pick<NextMessage, 'cooldown' | 'number'>,
  ): Promise<ReadReply>
  deliver(ref: FlowRef, args: DeliverArgs): Promise<StepReply<'deliver'>>
  end(ref: FlowRef, end: FlowEnd): Promise<FlowView | undefined>
  /** Forgets the failures of a number, and with `all` its waits and used up messages as well. */
  unlock(tag: string, all: boolean): Promise<void>
  /** What is kept of a number. */
  ofNumber(tag: string): Promise<NumberRecord | undefined>
  forget(tag: string): Promise<void>
  failures(tag: string): Promise<{ total: number; wait: number }>
}

/** Requests of an address that lead to no message because of a wait, and where that is kept. */
export interface OriginWaits {
  own: string
  waits: Limit
}

/** What a check may cost its address, and where that is kept. */
export interface AddressCall {
  key: string
  failures: AddressFailures
  /** The records of secrets that rotate out. */
  older: readonly string[]
}

export function createFlowStore(store: StepStore): FlowStore {
  const nearOf = (ref: FlowRef) => ({ number: numberKey(ref.number), flow: flowKey(ref) })

  const flows: FlowStore = {
    async send(ref, { current, again = false, ...given }, message = free, passed = false) {
      const request: SendRequest = {
        ...given,
        flow: ref.flow,
        knownBrowser: ref.browserTag !== undefined,
        again,
      }
      const near = { ...nearOf(ref), current: current && flowKey(current) }
      const older = await olderOf(store, message)
      return inParts(store, message, (part) => {
        const { keys, parts, last } = part
        return store.run(
          'send',
          last ? { ...keys, ...near } : keys,
          { parts: { ...parts, older }, passed, ...(last && { request }) },
          (reply) =>
            reply &&
            void (last
              ? undoSend(ref, request, current, reply, store.cluster ? ofNumber(message) : message)
              : undoPart(store, message, part, reply)),
        )
      })
    },

    async settleSend(ref, reference, result, { unsent, old } = {}) {
      const back = result.result === 'failed' && unsent ? backOf(unsent) : undefined
      const args = { reference, flow: ref.flow, result }
      const near = nearOf(ref)
      if (!store.cluster) {
        const keys = { ...near, ...(back && unsent && backKeys(unsent)), old: old && flowKey(old) }
        return store.run('settleSend', keys, { ...args, back })
      }
      const beside = old?.number === ref.number
      const settled = await store.run(
        'settleSend',
        { ...near, old: beside ? flowKey(old) : undefined },
        { ...args, back: back && { number: back.number } },
      )
      if (settled.back === true && unsent)
        await giveBackParts(store, unsent.message, backSlots(unsent))
      if (!settled.kept || !old || beside || result.result === 'failed') return settled
      return { ...settled, old: await flows.end(old, 'replaced') }
    },

    async resendDue(ref, given, origin, number) {
      const near = nearOf(ref)
      const request: ResendWaits = {
        ...given,
        flow: ref.flow,
        knownBrowser: ref.browserTag !== undefined,
      }
      if (!store.cluster || !origin) {
        const { own, waits } = origin ?? {}
        return store.run('resendDue', { ...near, own }, { waits, request, number })
      }
      const due = await store.run('resendDue', near, { request, number })
      if (due.status === 'due') return due
      const counted = await store.run('resendDue', { own: origin.own }, { waits: origin.waits })
      return counted.status === 'limited' ? counted : due
    },

    async resend(ref, { again = false, ...given }, message = free, passed = false) {
      const request: ResendRequest = {
        ...given,
        flow: ref.flow,
        knownBrowser: ref.browserTag !== undefined,
        again,
      }
      const near = nearOf(ref)
      const older = await olderOf(store, message, ref.number)
      return inParts(store, message, (part) => {
        const { keys, parts, last } = part
        return store.run(
          'resend',
          last ? { ...keys, ...near } : keys,
          { parts: { ...parts, older }, passed, ...(last && { request }) },
          (reply) =>
            reply &&
            void (last
              ? undoResend(ref, request, reply, store.cluster ? ofNumber(message) : message)
              : undoPart(store, message, part, reply)),
        )
      })
    },

    async settleResend(ref, reference, args, unsent) {
      const back = args.result !== 'sent' && unsent ? backOf(unsent) : undefined
      const whole = { reference, flow: ref.flow, ...args }
      const near = nearOf(ref)
      if (!store.cluster) {
        const keys = { ...near, ...(back && unsent && backKeys(unsent)) }
        return (await store.run('settleResend', keys, { ...whole, back })).kept
      }
      const own = back && { number: back.number }
      const { kept, back: gave } = await store.run('settleResend', near, { ...whole, back: own })
      if (gave === true && unsent) await giveBackParts(store, unsent.message, backSlots(unsent))
      return kept
    },

    async look(message) {
      const older = await olderOf(store, message)
      return lookInParts(store, message, ({ keys, parts }) =>
        store.run('look', keys, { parts: { ...parts, older } }),
      )
    },

    async refuse({ keys, parts: { address } }) {
      if (keys.own === undefined) return
      await store.run('look', { own: keys.own }, { parts: { address }, refused: true })
    },

    async claim(ref, request, address) {
      const failures = address && { ...address.failures, older: await olderFailures(address) }
      if (!store.cluster || !address) {
        const keys = { own: address?.key, ...nearOf(ref) }
        return store.run('claim', keys, { address: failures, request }, (reply) => {
          void undoClaim(ref, request, reply, address)
        })
      }
      const refund = () => uncharge(ref, request, address.key, failures)
      // The two go at once; an address that was counted for nothing gets it back, and a claim that its
      // address is not let through with is no claim.
      const asking = store.run('claim', { own: address.key }, { address: failures }, (reply) => {
        if (reply?.status === 'free') void refund()
      })
      const claiming = store.run('claim', nearOf(ref), { request }, (reply) => {
        void undoClaim(ref, request, reply)
      })
      const [asked, ours] = await Promise.allSettled([asking, claiming])
      const charged = asked.status === 'fulfilled' && asked.value.status === 'free'
      const claimed = ours.status === 'fulfilled' ? ours.value : undefined
      if (charged && claimed?.status !== 'claimed') await refund()
      if (charged || !claimed || !asksTyntec(claimed)) return claiming
      await undoClaim(ref, request, claimed)
      return asking
    },

    async settleCheck(ref, given, { address, keys = {} } = {}) {
      const args = { ...given, flow: ref.flow, address: address?.failures }
      const { own = address?.key, app, country, range } = keys
      const near = nearOf(ref)
      const { attempt, result } = args
      const verified = result.result === 'verified'
      // The request that has heard nothing of a proof does not open a session.
      const late = (reply: SettleCheckReply | undefined) => {
        if (!verified || reply?.status === 'stale') return
        void flows.release(ref, { attempt, opener: attempt }).catch(() => {})
      }
      if (!store.cluster) {
        return store.run('settleCheck', { ...near, own, app, country, range }, args, late)
      }
      const settled = await store.run('settleCheck', near, args, late)
      if (settled.status === 'stale') return settled
      // What they count decides nothing of this sign-in.
      const more = { ...args, taken: settled.taken }
      const [counted, shared] = await Promise.all([
        own === undefined ? undefined : store.run('recount', { own }, more).catch(() => undefined),
        app === undefined && country === undefined
          ? undefined
          : store.run('recount', { app, country, range }, more).catch(() => undefined),
      ])
      const unread = counted?.unread ?? shared?.unread ?? settled.unread
      return { ...settled, guesses: shared?.guesses, unread }
    },

    async complete(ref, args) {
      return (await store.run('complete', { flow: flowKey(ref) }, args)).done
    },
    async release(ref, args) {
      await store.run('release', { flow: flowKey(ref) }, args)
    },
    read(ref, every, limits) {
      const late = (reply: ReadReply | undefined) => {
        if (reply?.record && reply.lookupDue) void endLookup(ref, reply.record.reference)
      }
      if (!limits) return store.run('read', { flow: flowKey(ref) }, { every }, late)
      const next = { ...limits, flow: ref.flow, knownBrowser: ref.browserTag !== undefined }
      return store.run('read', nearOf(ref), { every, next }, late)
    },
    deliver: (ref, args) => store.run('deliver', { flow: flowKey(ref) }, args),
    async end(ref, end) {
      return (await store.run('endFlow', { flow: flowKey(ref) }, { end })).record
    },
    async ofNumber(tag) {
      return (await store.run('peek', { number: numberKey(tag) }, {})).number
    },
    async forget(tag) {
      await store.run('unlock', { number: numberKey(tag) }, { all: true, forget: true })
    },
    async unlock(tag, all) {
      await store.run('unlock', { number: numberKey(tag) }, { all })
    },
    failures: (tag) => store.run('failures', { number: numberKey(tag) }, {}),
  }

  // A step that was done after its caller had been told that it failed must not hold anybody to it.
  // What can't be given back ends with its lease.

  const olderFailures = async ({ older }: AddressCall): Promise<AddressRecord[] | undefined> => {
    if (older.length === 0) return undefined
    const found = await Promise.all(older.map((own) => store.run('peek', { own }, {})))
    return found.flatMap(({ own }) => own ?? [])
  }

  /** On a Cluster: the address gets back what it was charged with for a try that tyntec is not asked about. */
  async function uncharge(
    { flow }: FlowRef,
    { attempt, rules }: ClaimRequest,
    own: string,
    address: AddressFailures | undefined,
  ): Promise<void> {
    const result = { result: 'unasked', late: false } as const
    const args = { attempt, flow, rules, result, address }
    await store.run('recount', { own }, args).catch(() => {})
  }

  async function undoSend(
    ref: FlowRef,
    { reference }: SendRequest,
    current: FlowRef | undefined,
    reply: SendReply,
    message: Message,
  ): Promise<void> {
    if (reply.status === 'reserved') {
      const unsent = { message, counts: reply.counts }
      await flows.settleSend(ref, reference, { result: 'failed' }, { unsent }).catch(() => {})
    } else if (reply.status === 'lookup') {
      const about = reply.own ? ref : (current ?? ref)
      await endLookup(about, reply.record.reference)
    }
  }

  async function endLookup(ref: FlowRef, reference: string): Promise<void> {
    await flows.settleSend(ref, reference, { result: 'unconfirmed' }).catch(() => {})
  }

  async function undoResend(
    ref: FlowRef,
    { reference, lifetime, maxLifetime }: ResendRequest,
    reply: ResendReply,
    message: Message,
  ): Promise<void> {
    if (reply.status !== 'reserved' && reply.status !== 'renew') return
    const unsent = { message, counts: reply.counts }
    const failed = { result: 'failed', lifetime, maxLifetime } as const
    await (
      reply.status === 'reserved'
        ? flows.settleResend(ref, reference, failed, unsent)
        : flows.settleSend(ref, reference, failed, { unsent })
    ).catch(() => {})
  }

  async function undoClaim(
    ref: FlowRef,
    { attempt, rules, browserLimit }: ClaimRequest,
    reply: ClaimReply | undefined,
    address?: AddressCall,
  ): Promise<void> {
    // Nobody hears whether the session is this request's to open, so that it lets go of it.
    if (!reply) return flows.release(ref, { opener: attempt }).catch(() => {})
    const settle = (result: SettleCheckArgs['result']) =>
      flows.settleCheck(ref, { attempt, result, rules, browserLimit }, { address })
    switch (reply.status) {
      case 'claimed':
        await settle({ result: 'unasked', late: reply.earlier !== 'none' }).catch(() => {})
        return
      case 'unresolved':
        await settle({ result: 'unresolved' }).catch(() => {})
        return
      case 'verified':
        await flows.release(ref, { attempt: reply.by, opener: attempt }).catch(() => {})
        return
      case 'lookup':
        await endLookup(ref, reply.record.reference)
        return
      default:
    }
  }

  return flows
}

function asksTyntec({ status }: ClaimReply): boolean {
  return status === 'claimed' || status === 'unresolved'
}
