import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/*
 * What each test proves, read from its source. The line above a test names rows of docs/security.md
 * and docs/reliability.md:
 *
 *     // proves: SES-7, twice/check
 *     test('opens one session when the right code comes many times at once', …)
 *
 * Above a `describe` it holds for each test in it.
 */

export interface Proof {
  /** Below `test/`. */
  file: string
  /** As they are written, the outermost first. */
  titles: string[]
  /** Ids of rows. */
  rows: string[]
}

const folder = fileURLToPath(new URL('..', import.meta.url))

/** All tests that prove something, but for those that are skipped. */
export function readProofs(): Proof[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .toSorted()
    .flatMap((file) => {
      const text = readFileSync(`${folder}/${file}`, 'utf8')
      return text.includes('// proves: ') ? proofsIn(file, text) : []
    })
}

/** For a file's text. */
export function proofsIn(file: string, text: string): Proof[] {
  const proofs: Proof[] = []
  const visit = (node: ts.Node, titles: string[], rows: string[]): void => {
    const call = ts.isExpressionStatement(node) ? readCall(node.expression) : undefined
    if (call?.skipped) return
    const inner = call ? [...titles, call.title] : titles
    const all = call ? [...rows, ...rowsAbove(node, text)] : rows
    if (call?.called === 'test' && all.length > 0) {
      proofs.push({ file, titles: inner, rows: [...new Set(all)] })
    }
    ts.forEachChild(node, (child) => visit(child, inner, all))
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest), [], [])
  return proofs
}

function rowsAbove(node: ts.Node, text: string): string[] {
  return (ts.getLeadingCommentRanges(text, node.pos) ?? [])
    .map(({ pos, end }) => /^\/\/ proves: (.+)$/.exec(text.slice(pos, end))?.[1] ?? '')
    .flatMap((rows) => rows.split(','))
    .map((row) => row.trim())
    .filter((row) => row !== '')
}

/** What a call such as `test.each(…)('title', …)` declares. */
function readCall(
  call: ts.Expression,
): { called: string; title: string; skipped: boolean } | undefined {
  if (!ts.isCallExpression(call)) return undefined
  const [title] = call.arguments
  if (!title || !ts.isStringLiteralLike(title)) return undefined
  let callee: ts.Node = call.expression
  let skipped = false
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    if (ts.isPropertyAccessExpression(callee)) {
      skipped ||= ['skip', 'todo', 'fails'].includes(callee.name.text)
    }
    callee = callee.expression
  }
  if (!ts.isIdentifier(callee) || !['describe', 'test'].includes(callee.text)) return undefined
  return { called: callee.text, title: title.text, skipped }
}
