import type { Emits } from './emits.js'
import type { Operation } from './faults/rules.js'
import type { Reason } from './reason.js'

/** One call of tyntec's API, as tests count it. The key is never in it. */
export interface JournalEntry {
  seq: number
  method: string
  path: string
  /** A parameter that was repeated is an array. */
  query: Record<string, string | string[]>
  /** `null` while there is no answer, and for good when there never was one. */
  status: number | null
  at: string
  /** Missing when no operation is at this path. */
  operation?: Operation
  /** E.164, when the call is about a number. */
  number?: string
  /** What was posted, where the operation reads a body. */
  body?: unknown
  /** Why the call was refused, and what to send instead. */
  hint?: string
  /** Which fault or magic number answered in tyntec's place, or changed what was done. */
  reason?: Reason
}

export type CallHappening =
  /** When a call arrives, with `status: null`, and again when it is answered. */
  { type: 'request'; request: JournalEntry } | { type: 'requests-deleted' }

/** The entry of a call under way. */
export interface Call {
  readonly seq: number
  readonly method: string
  readonly path: string
  readonly status: number | null
  readonly hint?: string | undefined
  readonly reason?: Reason | undefined
  /** What is learnt about the call on the way. */
  note(facts: CallFacts): void
  /** `null`: it never gets an answer. */
  answered(status: number | null): void
}

export interface CallFacts {
  operation?: Operation | undefined
  number?: string | undefined
  body?: unknown
  hint?: string | undefined
  reason?: Reason | undefined
}

export interface Journal {
  add(call: { method: string; path: string; search: string; at: number }): Call
  /** Oldest first. */
  list(): JournalEntry[]
  clear(): void
}

interface Recorded extends Call {
  search: string
  at: number
  facts: CallFacts
}

const capacity = 10_000

export interface JournalParts {
  events: Emits<CallHappening>
  /** Called once for each call: when it was answered, or given up. */
  onAnswered?: ((call: Call) => void) | undefined
}

export function createJournal({ events, onAnswered }: JournalParts): Journal {
  let seq = 0
  let calls: Recorded[] = []

  return {
    add({ method, path, search, at }) {
      seq += 1
      const facts: CallFacts = {}
      const recorded: Recorded & { status: number | null } = {
        seq,
        method,
        path,
        search,
        at,
        status: null,
        facts,
        get hint() {
          return facts.hint
        },
        get reason() {
          return facts.reason
        },
        note: (more) => void Object.assign(facts, more),
        answered(status) {
          recorded.status = status
          onAnswered?.(recorded)
          tell()
        },
      }
      const tell = () => events.emit(() => ({ type: 'request', request: toEntry(recorded) }))
      calls.push(recorded)
      // Trimmed in bulk: moving ten thousand entries for each call would slow benchmarks down.
      if (calls.length >= 2 * capacity) calls = calls.slice(-capacity)
      tell()
      return recorded
    },
    list: () => calls.slice(-capacity).map(toEntry),
    clear() {
      calls = []
      events.emit(() => ({ type: 'requests-deleted' }))
    },
  }
}

function toEntry({ seq, method, path, search, status, at, facts }: Recorded): JournalEntry {
  const { operation, number, body, hint, reason } = facts
  return {
    seq,
    method,
    path,
    query: toQuery(search),
    status,
    at: new Date(at).toISOString(),
    ...(operation !== undefined && { operation }),
    ...(number !== undefined && { number }),
    ...(body !== undefined && { body }),
    ...(hint !== undefined && { hint }),
    ...(reason !== undefined && { reason }),
  }
}

function toQuery(search: string): JournalEntry['query'] {
  const parameters = new URLSearchParams(search)
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      if (name.toLowerCase() === 'apikey') return [name, '[redacted]']
      const values = parameters.getAll(name)
      return [name, values.length === 1 ? (values[0] ?? '') : values]
    }),
  )
}
