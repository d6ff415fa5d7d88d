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
}

/** The entry of a call under way. */
export interface Call {
  status: number | null
}

export interface Journal {
  add(call: { method: string; path: string; search: string; at: number }): Call
  /** Oldest first. */
  list(): JournalEntry[]
  clear(): void
}

interface Recorded extends Call {
  seq: number
  method: string
  path: string
  search: string
  at: number
}

const capacity = 10_000

export function createJournal(): Journal {
  let seq = 0
  let calls: Recorded[] = []

  return {
    add(call) {
      seq += 1
      const recorded: Recorded = { seq, ...call, status: null }
      calls.push(recorded)
      // Trimmed in bulk: moving ten thousand entries for each call would slow benchmarks down.
      if (calls.length >= 2 * capacity) calls = calls.slice(-capacity)
      return recorded
    },
    list: () =>
      calls.slice(-capacity).map(({ seq, method, path, search, status, at }) => ({
        seq,
        method,
        path,
        query: toQuery(search),
        status,
        at: new Date(at).toISOString(),
      })),
    clear() {
      calls = []
    },
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
