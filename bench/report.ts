import type { Costs } from './counts.js'
import type { Compared } from './pairs.js'

/** A figure, with what it should be. */
export interface Row {
  figure: string
  value: number
  target: { atLeast: number } | { atMost: number } | { below: number }
  detail?: string
  /** The machine had other work, so the figure says nothing of the target. */
  unsure?: boolean
}

/** 100 columns. */
const width = 100
const started = performance.now()

/** What it is doing now, on the terminal. */
export function say(doing: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`${seconds.padStart(5)} s  ${doing}`)
}

export function printRows(rows: readonly Row[]): void {
  console.log(`\n${''.padEnd(66)}${'measured'.padStart(10)}${'target'.padStart(12)}`)
  for (const { figure, value, target, detail, unsure } of rows) {
    const [sign, aim, met] =
      'atLeast' in target
        ? ['≥', target.atLeast, value >= target.atLeast]
        : 'atMost' in target
          ? ['≤', target.atMost, value <= target.atMost]
          : ['<', target.below, value < target.below]
    const measured = Number.isInteger(value) || value >= 10 ? value.toFixed(0) : value.toFixed(2)
    const verdict = unsure ? 'unsure' : met ? 'met' : 'missed'
    console.log(
      `${figure.padEnd(66)}${measured.padStart(10)}${`${sign} ${aim}`.padStart(12)}  ${verdict}`,
    )
    if (detail) for (const line of wrap(detail, width - 4)) console.log(`    ${line}`)
  }
}

/** A line for each server, beside the one that it is compared with. */
export function printServers(
  compared: readonly Compared[],
  costs: ReadonlyMap<string, Costs>,
): void {
  console.log(
    `\n${row('server', 'CPU ms', '÷ base', 'logins/s', '÷ base', 'Redis', 'inside', 'waits')}`,
  )
  const bases = new Set(compared.map(({ base }) => base))
  for (const base of bases) {
    const pairs = compared.filter((pair) => pair.base === base)
    const [first] = pairs
    if (!first) continue
    const line = (name: string, cpu: number, byCpu: number, rate: number, byRate: number) => {
      const { sent, inside, waits } = sumOf(costs.get(name) ?? {})
      return row(
        name,
        cpu.toFixed(2),
        byCpu.toFixed(2),
        rate.toFixed(0),
        byRate.toFixed(2),
        String(sent),
        String(inside),
        String(waits),
      )
    }
    console.log(line(base, first.cpu.base, 1, first.rate.base, 1))
    for (const { name, cpu, rate } of pairs) {
      console.log(line(name, cpu.own, cpu.ratio, rate.own, rate.ratio))
    }
  }
  for (const line of wrap(
    'CPU of the server process per login (send, check, GET /me); logins 40 at a time; Redis commands that it sends, those that its scripts run inside, and waits for Redis one after another. ÷ base: medians of paired rounds, package-flow by bare-http, the others by bare-express.',
    width,
  )) {
    console.log(line)
  }
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(20) + cells.map((cell) => cell.padStart(11)).join('')
}

function sumOf(costs: Costs): { sent: number; inside: number; waits: number } {
  const total = { sent: 0, inside: 0, waits: 0 }
  for (const { sent, inside, waits } of Object.values(costs)) {
    total.sent += sent
    total.inside += inside
    total.waits += waits
  }
  return total
}

export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) {
      lines[lines.length - 1] = `${last} ${word}`
    } else lines.push(word)
  }
  return lines
}
