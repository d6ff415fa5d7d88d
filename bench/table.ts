export interface Row {
  figure: string
  value: number
  detail: string
  target?: { atLeast: number } | { atMost: number }
  /** The machine had other work, so the figure says nothing of the target. */
  unsure?: boolean
}

export function printTable(rows: readonly Row[]): void {
  console.log(line('', 'measured', 'target', '', ''))
  for (const { figure, value, detail, target, unsure } of rows) {
    const measured = Number.isInteger(value) || value >= 10 ? value.toFixed(0) : value.toFixed(2)
    if (!target) {
      console.log(line(figure, measured, '', '', detail))
      continue
    }
    const atLeast = 'atLeast' in target
    const met = atLeast ? value >= target.atLeast : value <= target.atMost
    const verdict = unsure ? 'unsure' : met ? 'met' : 'missed'
    const aim = atLeast ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
    console.log(line(figure, measured, aim, verdict, detail))
  }
}

function line(figure: string, measured: string, target: string, met: string, detail: string) {
  return `${figure.padEnd(52)}${measured.padStart(9)}${target.padStart(9)}  ${met.padEnd(8)}${detail}`
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** What the middle half of the values lies between. */
export function quartiles(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? 0
  return [at(0.25), at(0.75)]
}
