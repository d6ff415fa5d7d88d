import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { figures } from '../attackers/figures.js'
import { readProofs } from '../support/proofs.js'

/** The rows of the table: attacker, requests, addresses, messages, and the row of security.md. */
const rows = readFileSync(new URL('../../docs/abuse.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\| [a-z]/.test(line) && !line.startsWith('| attacker'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

// All test files are parsed for them, which takes a while.
const proofs = readProofs()

describe('docs/abuse.md', () => {
  test('says of each attacker what its test counts', () => {
    const said = rows.map(([, name, requests, addresses, messages]) => [
      name,
      { requests: Number(requests), addresses: Number(addresses), messages: Number(messages) },
    ])
    expect(Object.fromEntries(said)).toEqual(figures)
  })

  test('names for each the row whose tests attack', () => {
    const attacked = new Set(
      proofs
        .filter(({ file }) => /^(?:test\/)?attackers\//.test(file))
        .flatMap((proof) => proof.rows),
    )
    expect(rows.map((cells) => cells.at(-2)).filter((row) => !attacked.has(row ?? ''))).toEqual([])
    expect(rows.length).toBeGreaterThan(0)
  })
})
