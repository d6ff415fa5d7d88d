import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { proofsIn, readProofs } from '../support/proofs.js'
import { failureRows, securityGroups } from '../support/rows.js'

/*
 * docs/security.md has a row for each point of the checklist, and tests say which row they prove.
 */

const checklist: Record<string, string> = {
  'A. Session binding, fixation, single use':
    'SES-1★ SES-2★ SES-3★ SES-4★ SES-5★ SES-6★ SES-7★ SES-8★ SES-9★ SES-10 SES-11★ SES-12 SES-13 SES-14★ SES-15 SES-16★ SES-17★ SES-18★',
  'B. CSRF and login CSRF': 'CSRF-1★ CSRF-2★ CSRF-3★ CSRF-4 CSRF-5 CSRF-6 CSRF-7 CSRF-8★',
  'C. Guessing limits':
    'ATT-1★ ATT-2★ ATT-3★ ATT-4★ ATT-5★ ATT-6★ ATT-7★ ATT-8★ ATT-9 ATT-10 ATT-11 ATT-12 ATT-13★',
  'D. Lock-out': 'LOCK-1★ LOCK-2★ LOCK-3★ LOCK-4 LOCK-5 LOCK-6★ LOCK-7★ LOCK-8★',
  'E. Enumeration': 'ENUM-1★ ENUM-2★ ENUM-3★ ENUM-4★ ENUM-5★ ENUM-6 ENUM-7 ENUM-8',
  'F. Send, resend, wallet':
    'SEND-1★ SEND-2★ SEND-3★ SEND-4★ SEND-5★ SEND-6★ SEND-7★ SEND-8 SEND-9★ SEND-10 SEND-11★ SEND-12',
  'G. Numbers': 'NUM-1★ NUM-2★ NUM-3★ NUM-4★ NUM-5 NUM-6 NUM-7★',
  'H. Codes': 'CODE-1★ CODE-2★ CODE-3★ CODE-4★ CODE-5',
  'I. tyntec':
    'UP-1★ UP-2★ UP-3★ UP-4★ UP-5★ UP-6★ UP-7★ UP-8★ UP-9★ UP-10★ UP-11 UP-12 UP-13 UP-14★',
  'J. Redis': 'RED-1★ RED-2★ RED-3★ RED-4★ RED-5 RED-6★ RED-7★ RED-8 RED-9 RED-10 RED-11 RED-12',
  'K. Fail closed': 'FAIL-1★ FAIL-2★ FAIL-3★ FAIL-4 FAIL-5 FAIL-6',
  'L. Input': 'IN-1★ IN-2★ IN-3★ IN-4★ IN-5 IN-6 IN-7 IN-8',
  'M. Addresses': 'NET-1★ NET-2★ NET-3★ NET-4 NET-5',
  'N. Redirects and answers': 'NAV-1★ NAV-2 NAV-3 NAV-4 NAV-5',
  'O. Logs and privacy': 'LOG-1★ LOG-2★ LOG-3★ LOG-4 LOG-5 LOG-6 LOG-7',
  'P. Keys, supply chain, docs': 'KEY-1★ KEY-2 KEY-3 SUP-1★ SUP-2★ SUP-3 DOC-1★ DOC-2',
}

const groups = securityGroups()
const rows = groups.flatMap((group) => group.rows)
const proofs = readProofs()
const proven = new Set(proofs.flatMap((proof) => proof.rows))

describe('docs/security.md', () => {
  test('has every row of the checklist, in its group', () => {
    const written = groups.map(({ name, rows }) => [
      name,
      rows.map(({ id, starred }) => (starred ? `${id}★` : id)).join(' '),
    ])
    expect(written).toEqual(Object.entries(checklist))
    expect(rows).toHaveLength(144)
  })

  test('says of each row what holds', () => {
    expect(rows.filter(({ holds }) => !/^.{10,}[.)]$/.test(holds))).toEqual([])
  })

  test('has a test for each row with a star', () => {
    const starred = rows.filter((row) => row.starred)
    const bare = starred.filter(({ id, holds }) => !proven.has(id) || holds.includes('Not met:'))
    expect(bare.map(({ id }) => id)).toEqual([])
    expect(starred.length).toBeGreaterThan(80)
  })

  test('has a test, a file or a reason for each of the others', () => {
    const bare = rows.filter(
      ({ id, starred, holds }) =>
        !starred && !proven.has(id) && !/\]\(\.\.?\/|Not met: .{20}/.test(holds),
    )
    expect(bare.map(({ id }) => id)).toEqual([])
  })

  test('links only files that there are', () => {
    const files = rows.flatMap(({ holds }) =>
      [...holds.matchAll(/\]\(([^)#:]+)[^)]*\)/g)].map(([, file = '']) => file),
    )
    const folder = new URL('../../docs/', import.meta.url)
    expect(files.filter((file) => !existsSync(new URL(file, folder)))).toEqual([])
  })
})

describe('the line above a test', () => {
  test('names only rows that there are', () => {
    const known = new Set([
      ...rows.map(({ id }) => id),
      ...failureRows().flatMap(({ cells }) => cells.map(({ id }) => id)),
    ])
    const unknown = proofs.flatMap(({ file, rows }) =>
      rows.filter((row) => !known.has(row)).map((row) => `${file}: ${row}`),
    )
    expect(unknown).toEqual([])
  })

  test('counts for every test below a describe, and for none that is skipped', () => {
    // A skipped test proves nothing, so SES-4 must not be listed.
    const skipped = ['test', 'skip'].join('.')
    const text = `
// proves: SES-1, SES-2
describe.each(['a'])('on %s', () => {
  // proves: SES-3
  // proves: redis-down/send
  test('one', { timeout: 1 }, () => {})
  // proves: SES-4
  ${skipped}('two', () => {})
  /* proves: SES-5 */
  test.each([1])('three', () => {})
})
`
    expect(proofsIn('x.test.ts', text)).toEqual([
      {
        file: 'x.test.ts',
        titles: ['on %s', 'one'],
        rows: ['SES-1', 'SES-2', 'SES-3', 'redis-down/send'],
      },
      { file: 'x.test.ts', titles: ['on %s', 'three'], rows: ['SES-1', 'SES-2'] },
    ])
  })
})
