import type { StepStore } from '../store/store.js'

/** What the calls of an app have shown of tyntec. Times only: nothing of any person. */
export interface Shown {
  /** Milliseconds, ascending, of each kind of call. */
  times: Readonly<Record<string, readonly number[]>>
  /** Milliseconds that a code can be used. */
  lifetime?: number | undefined
  /** tyntec's tries at one code. */
  tries?: number | undefined
}

/** A process that has just started knows what those before it have seen. */
export interface SharedPace {
  /** Settles when what others have seen is known, or can't be had. Asks the store once. */
  known(): Promise<void>
  /** Something new was seen. */
  changed(): void
  /** Writes down what is new, now. */
  close(): Promise<void>
}

/** Seconds between two writes of one process. */
const every = 10

/** Seconds that it is kept. */
const kept = 7 * 86_400

const name = 'pace'

export function sharePace(
  store: Pick<StepStore, 'keepNote' | 'note'>,
  given: { show(): Shown; adopt(shown: Shown): void },
): SharedPace {
  let reading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  const read = async () => {
    try {
      const note = await store.note(name)
      if (note !== undefined) given.adopt(readShown(note))
    } catch {
      // The next decoy asks again.
      reading = undefined
    }
  }
  const known = () => (reading ??= read())
  const write = async () => {
    clearTimeout(timer)
    timer = undefined
    // Who knows nothing yet would write nothing over what is known.
    await known()
    // The next one says the same and more.
    await store.keepNote(name, JSON.stringify(given.show()), kept).catch(() => {})
  }
  return {
    known,
    changed() {
      timer ??= setTimeout(() => void write(), every * 1000).unref()
    },
    async close() {
      if (timer) await write()
    },
  }
}

/** Whatever may stand there: a newer version's, or somebody else's. */
function readShown(note: string): Shown {
  const parsed: unknown = JSON.parse(note)
  const { times, lifetime, tries } = Object(parsed) as Record<string, unknown> // of nothing, too
  const lists = Object.entries(Object(times) as Record<string, unknown>)
  return {
    times: Object.fromEntries(
      lists.map(([kind, list]) => [kind, Array.isArray(list) ? list.filter(isPositive) : []]),
    ),
    lifetime: isPositive(lifetime) ? lifetime : undefined,
    tries: isPositive(tries) ? tries : undefined,
  }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < 3_600_000
}
