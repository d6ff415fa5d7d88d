import type { Slice } from './load.js'
import type { Server } from './processes.js'
import { median, quartiles } from './statistics.js'

/** Two servers that take turns, because only ratios within one run mean anything. */
export interface Pair {
  name: string
  base: string
  logins: number
  slices: { own: Slice; base: Slice }[]
}

export interface Compared {
  name: string
  base: string
  rounds: number
  cpu: Ratio
  rate: Ratio
  /** Part of a core that each of the two had: where it is far below 1, the machine had other work. */
  busy: { own: number; base: number }
}

export interface Ratio {
  /** The median of the rounds' ratios, and what their middle half lies between. */
  ratio: number
  half: [number, number]
  /** Medians of the two: milliseconds of CPU per login, or logins per second. */
  own: number
  base: number
}

export function createPair(name: string, base: string, logins: number): Pair {
  return { name, base, logins, slices: [] }
}

/** A slice of both, one right after the other; who is first changes from round to round. */
export async function playRound(
  pair: Pair,
  servers: Map<string, Server>,
  slice: (server: Server, logins: number) => Promise<Slice>,
): Promise<void> {
  const own = servers.get(pair.name)
  const base = servers.get(pair.base)
  if (!own || !base) throw new Error(`${pair.name} and ${pair.base} are not running`)
  const ownFirst = pair.slices.length % 2 === 0
  const first = await slice(ownFirst ? own : base, pair.logins)
  const second = await slice(ownFirst ? base : own, pair.logins)
  pair.slices.push(ownFirst ? { own: first, base: second } : { own: second, base: first })
}

export function compare({ name, base, slices }: Pair): Compared {
  const ratioOf = (key: 'cpu' | 'rate'): Ratio => {
    const ratios = slices.map((slice) => slice.own[key] / slice.base[key])
    return {
      ratio: median(ratios),
      half: quartiles(ratios),
      own: median(slices.map((slice) => slice.own[key])),
      base: median(slices.map((slice) => slice.base[key])),
    }
  }
  return {
    name,
    base,
    rounds: slices.length,
    cpu: ratioOf('cpu'),
    rate: ratioOf('rate'),
    busy: {
      own: median(slices.map(({ own }) => own.busy)),
      base: median(slices.map((slice) => slice.base.busy)),
    },
  }
}

/** Two pairs with the same base, round by round: how one of their servers is to the other. */
export function ratioOfPairs(a: Pair, b: Pair, key: 'cpu' | 'rate'): number {
  const of = ({ slices }: Pair, round: number) => {
    const slice = slices[round]
    return slice ? slice.own[key] / slice.base[key] : Number.NaN
  }
  return median(a.slices.map((_slice, round) => of(a, round) / of(b, round)))
}
