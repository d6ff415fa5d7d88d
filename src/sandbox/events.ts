import type { Emits } from './emits.js'
import type { FaultHappening } from './faults/faults.js'
import type { CallHappening } from './journal.js'
import type { MessageHappening } from './messages.js'
import type { OtpView } from './otp/view.js'
import type { WebhookHappening } from './webhooks/poster.js'

/** What has happened, for pages and tests that follow along. */
export type Happening =
  | MessageHappening
  | CallHappening
  /** An OTP is new or has changed; time alone changes one without an event. */
  | { type: 'otp'; otp: OtpView }
  | { type: 'otp-deleted'; otpId: string }
  | WebhookHappening
  | FaultHappening
  | { type: 'clock'; now: string; advanced: number }
  /** Everything is as after the start. */
  | { type: 'reset' }
  /** Events between the cursor and this one are not known any more: read everything again. */
  | { type: 'gap' }

/** Something that has happened in the sandbox, as `/_sandbox/events` tells it. */
export type SandboxEvent = { seq: number; at: string } & Happening

export type Listener = (event: SandboxEvent) => void

export interface Events extends Emits<Happening> {
  /** The newest event's `seq`; 0 before the first. */
  seq(): number
  /** With `after`, first what came after that event. */
  subscribe(listener: Listener, after?: number): () => void
}

const capacity = 1000

/** One stream of everything, with a `seq` that rises across resets too. */
export function createEvents(now: () => number): Events {
  let seq = 0
  let kept: { seq: number; at: number; happened: () => Happening }[] = []
  const listeners = new Set<Listener>()

  const toEvent = ({ seq, at, happened }: (typeof kept)[number]): SandboxEvent => ({
    seq,
    at: new Date(at).toISOString(),
    ...happened(),
  })

  function replay(listener: Listener, after: number) {
    const oldest = kept[0]?.seq ?? seq + 1
    if (after > seq || after < oldest - 1) {
      return listener({ seq, at: new Date(now()).toISOString(), type: 'gap' })
    }
    for (const entry of kept) if (entry.seq > after) listener(toEvent(entry))
  }

  return {
    emit(happened) {
      seq += 1
      const entry = { seq, at: now(), happened }
      kept.push(entry)
      // Trimmed in bulk: moving a thousand entries for each event would slow benchmarks down.
      if (kept.length >= 2 * capacity) kept = kept.slice(-capacity)
      if (listeners.size === 0) return
      const event = toEvent(entry)
      for (const listener of listeners) listener(event)
    },
    seq: () => seq,
    subscribe(listener, after) {
      if (after !== undefined) replay(listener, after)
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}
