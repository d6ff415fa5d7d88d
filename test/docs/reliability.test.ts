import { describe, expect, test } from 'vitest'
import { readProofs } from '../support/proofs.js'
import { failureRows } from '../support/rows.js'

/*
 * docs/reliability.md says for each failure and step what happens, and a test proves each cell.
 */

const rows = failureRows()
const proven = new Set(readProofs().flatMap((proof) => proof.rows))

describe('docs/reliability.md', () => {
  test('has a row for every failure', () => {
    expect(rows.map(({ id }) => id).join(' ')).toBe(
      'redis-down redis-slow redis-lost redis-restarts tyntec-unreachable answer-lost tyntec-5xx ' +
        'tyntec-401 tyntec-403 bad-json portal slow-body tyntec-429 reset crash ' +
        'crash-before-session session-store clocks twice our-answer-lost client-leaves overload deploy no-key app-throws',
    )
  })

  test('fills every cell, but for steps that a failure cannot meet', () => {
    const checkOnly = ['crash-before-session', 'session-store']
    const impossible = checkOnly.flatMap((id) => [`${id}/send`, `${id}/resend`])
    const cells = rows.flatMap((row) => row.cells)
    expect(cells.filter(({ text }) => text === '–').map(({ id }) => id)).toEqual(impossible)
    expect(cells.filter(({ text }) => text !== '–' && !/\w{2}/.test(text))).toEqual([])
    expect(cells).toHaveLength(3 * 25)
  })

  test('has a test for every cell', () => {
    const cells = rows.flatMap((row) => row.cells).filter(({ text }) => text !== '–')
    expect(cells.filter(({ id }) => !proven.has(id))).toEqual([])
    expect(cells).toHaveLength(71)
  })
})
