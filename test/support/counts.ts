import type { Members, Meter, Windows } from '../../src/store/records.js'
import type { Entry } from './stores.js'

interface Counted {
  uses?: Windows
  meter?: Meter
  countries?: Members
  failed?: Members
  failures?: { total: number }
}

/**
 * What Redis counts, by the kind of record and what is counted there: all addresses together, all numbers
 * together. Windows are called by their seconds, as in `number sends:600`; what is at nothing is left out.
 */
export function countsOf(entries: readonly Entry[]): Record<string, number> {
  const counts: Record<string, number> = {}
  const add = (name: string, count: number) => {
    const rounded = Math.round(count * 100) / 100
    if (rounded > 0) counts[name] = (counts[name] ?? 0) + rounded
  }
  for (const { key, value } of entries) {
    const kind = kindOf(key)
    if (kind === undefined) continue
    const { uses = {}, meter, countries, failed, failures } = value as Counted // the package's own
    for (const [name, window] of Object.entries(uses)) {
      add(`${kind} ${name.replace(/^(from|known|failed):[\w-]{11}/, '$1')}`, window?.n ?? 0)
    }
    add(`${kind} meter`, meter?.sent ?? 0)
    add(`${kind} sign-ins`, meter?.verified ?? 0)
    add(`${kind} countries`, Object.keys(countries?.of ?? {}).length)
    add(`${kind} failed numbers`, Object.keys(failed?.of ?? {}).length)
    add(`${kind} failures`, failures?.total ?? 0)
  }
  return counts
}

function kindOf(key: string): string | undefined {
  return /^(address|site):/.exec(key)?.[1] ?? /\}:(app|country|range|number)\b/.exec(key)?.[1]
}
