import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cellOf, rowsOf, unknownOf } from './support/proofs.js'

/*
 * docs/security.md has a row for each point of the checklist, and names the tests that prove it.
 */

const checklist: Record<string, string> = {
  'A. Session binding, fixation, single use':
    'SES-1★ SES-2★ SES-3★ SES-4★ SES-5★ SES-6★ SES-7★ SES-8★ SES-9★ SES-10 SES-11★ SES-12 SES-13 SES-14★ SES-15',
  'B. CSRF and login CSRF': 'CSRF-1★ CSRF-2★ CSRF-3★ CSRF-4 CSRF-5 CSRF-6 CSRF-7',
  'C. Guessing limits':
    'ATT-1★ ATT-2★ ATT-3★ ATT-4★ ATT-5★ ATT-6★ ATT-7★ ATT-8★ ATT-9 ATT-10 ATT-11 ATT-12',
  'D. Lock-out': 'LOCK-1★ LOCK-2★ LOCK-3★ LOCK-4 LOCK-5 LOCK-6',
  'E. Enumeration': 'ENUM-1★ ENUM-2★ ENUM-3★ ENUM-4★ ENUM-5★ ENUM-6 ENUM-7 ENUM-8',
  'F. Send, resend, wallet':
    'SEND-1★ SEND-2★ SEND-3★ SEND-4★ SEND-5★ SEND-6★ SEND-7★ SEND-8 SEND-9★ SEND-10 SEND-11★ SEND-12',
  'G. Numbers': 'NUM-1★ NUM-2★ NUM-3★ NUM-4★ NUM-5 NUM-6',
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

const root = new URL('../', import.meta.url)
const page = readFileSync(new URL('docs/security.md', root), 'utf8')

/** A row of the page. `proofs` are tests; other files are linked. */
interface Row {
  id: string
  holds: string
  reason: string
  files: string[]
  proofs: { file: string; name: string }[]
}

const groups = page
  .split(/^## /m)
  .slice(1)
  .map((part) => {
    const lines = part.split('\n')
    const rows = rowsOf(lines.filter((line) => line.startsWith('|')).slice(2))
    return {
      name: lines[0] ?? '',
      rows: rows.map(([id = '', holds = '', proof = '']): Row => {
        const { text, proofs } = cellOf(proof)
        const files = [...text.matchAll(/\]\(\.\.\/([^)#]+)[^)]*\)/g)].map(([, file = '']) => file)
        const [, reason = ''] = /Not met: (.*)$/.exec(text) ?? []
        return { id, holds, reason, files, proofs }
      }),
    }
  })
const rows = groups.flatMap((group) => group.rows)

describe('docs/security.md', () => {
  test('has every row of the checklist, in its group', () => {
    expect(groups.map(({ name, rows }) => [name, rows.map(({ id }) => id)])).toEqual(
      Object.entries(checklist).map(([name, ids]) => [
        name,
        ids.split(' ').map((id) => id.replace('★', ' ★')),
      ]),
    )
    expect(rows).toHaveLength(136)
  })

  test('says of each row what holds', () => {
    expect(rows.filter(({ holds }) => !/^.{10,}\.$/.test(holds))).toEqual([])
  })

  test('has a test for each row with a star', () => {
    const starred = rows.filter(({ id }) => id.endsWith('★'))
    expect(starred.filter(({ proofs, reason }) => proofs.length === 0 || reason !== '')).toEqual([])
    expect(starred.length).toBeGreaterThan(80)
  })

  test('has a proof, or a reason why there is none, for each of the others', () => {
    const bare = rows.filter(
      ({ proofs, files, reason }) => proofs.length + files.length === 0 && reason.length < 20,
    )
    expect(bare).toEqual([])
  })

  test('names only tests and files that there are', () => {
    expect(unknownOf(rows.flatMap(({ proofs }) => proofs))).toEqual([])
    const files = rows.flatMap((row) => row.files)
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  })
})
