import { readFileSync } from 'node:fs'
import ts from 'typescript'

/*
 * Pages that name the tests which prove what they say: docs/reliability.md and docs/security.md.
 */

export interface Proof {
  file: string
  name: string
}

export interface Cell {
  /** Without the names of tests. */
  text: string
  proofs: Proof[]
}

/** Tests are named as `file.test.ts: describe > test`, in the folder `test`. */
export function cellOf(cell: string): Cell {
  const named = /`([\w./-]+\.test\.ts): ([^`]+)`/g
  const proofs = [...cell.matchAll(named)].map(([, file = '', name = '']) => ({ file, name }))
  return { text: cell.replace(named, '').replaceAll('<br>', ' ').trim(), proofs }
}

/** The cells of the lines of a table. */
export function rowsOf(lines: readonly string[]): string[][] {
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** Those of the proofs that no test has the name of. */
export function unknownOf(proofs: readonly Proof[]): Proof[] {
  const known = new Map<string, Set<string>>()
  return proofs.filter(({ file, name }) => {
    const titles = known.get(file) ?? titlesIn(file)
    known.set(file, titles)
    return !titles.has(name)
  })
}

/** Full names of the tests in a file as they are written, but for those that are skipped. */
export function titlesIn(file: string): Set<string> {
  const titles = new Set<string>()
  const visit = (node: ts.Node, outer: string[]): void => {
    const found = ts.isCallExpression(node) ? titleOf(node) : undefined
    const inner = found ? [...outer, found.title] : outer
    if (found?.called === 'test') titles.add(inner.join(' > '))
    ts.forEachChild(node, (child) => visit(child, inner))
  }
  visit(sourceOf(file), [])
  return titles
}

/** A file that does not exist has no tests. */
function sourceOf(file: string): ts.SourceFile {
  let text = ''
  try {
    text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
}

/** What a call such as `test.each(…)('title', …)` is called by. */
function titleOf(call: ts.CallExpression): { called: string; title: string } | undefined {
  const [title] = call.arguments
  if (!title || !ts.isStringLiteralLike(title)) return undefined
  let callee: ts.Node = call.expression
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    if (ts.isPropertyAccessExpression(callee) && /skip|todo|fails/.test(callee.name.text)) {
      return undefined
    }
    callee = callee.expression
  }
  if (!ts.isIdentifier(callee) || !/^(?:describe|test)$/.test(callee.text)) return undefined
  return { called: callee.text, title: title.text }
}
