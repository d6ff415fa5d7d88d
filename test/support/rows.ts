import { readFileSync } from 'node:fs'

/** The rows of docs/security.md and docs/reliability.md, which tests name as what they prove. */

/** A point of the checklist. */
export interface SecurityRow {
  id: string
  /** Nothing is released without a test of it. */
  starred: boolean
  holds: string
}

/** A failure, and what each step does when it meets it. */
export interface FailureRow {
  id: string
  failure: string
  /** `id` is that of the row with the step: `redis-down/send`. */
  cells: { id: string; text: string }[]
}

export function securityGroups(): { name: string; rows: SecurityRow[] }[] {
  return pageOf('security')
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const lines = part.split('\n')
      const rows = cellsOf(lines).map(([id = '', holds = '']) => ({
        id: id.replace(' ★', ''),
        starred: id.endsWith(' ★'),
        holds,
      }))
      return { name: lines[0] ?? '', rows }
    })
}

export function failureRows(): FailureRow[] {
  const steps = ['send', 'resend', 'check']
  const lines = pageOf('reliability').split('\n')
  const head = lines.indexOf('| id | failure | send | resend | check |')
  const end = lines.findIndex((line, index) => index > head && !line.startsWith('|'))
  return cellsOf(lines.slice(head, end)).map(([name = '', failure = '', ...cells]) => {
    const id = name.replaceAll('`', '')
    return {
      id,
      failure,
      cells: cells.map((text, index) => ({ id: `${id}/${steps[index]}`, text })),
    }
  })
}

function pageOf(name: string): string {
  return readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')
}

/** The cells of a table, without its head. */
function cellsOf(lines: readonly string[]): string[][] {
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}
