import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

/*
 * Every block of TypeScript or JavaScript in README and docs compiles, strictly, as a module of an
 * app. What a block takes for granted stands above it, where readers don't see it:
 *
 *     <!-- given: declare const users: { findOrCreate(number: string): Promise<object> } -->
 */

const root = fileURLToPath(new URL('../../', import.meta.url))

const pages = [
  'README.md',
  ...readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' }).map(
    (file) => `docs/${file}`,
  ),
  // What is in api.md are the sources themselves.
].filter((file) => file.endsWith('.md') && file !== 'docs/api.md')

interface Block {
  page: string
  line: number
  code: string
  /** JavaScript says no types: its parameters may be anything. */
  typed: boolean
}

test('every block of code in README and docs compiles', { timeout: 120_000 }, () => {
  const blocks = pages.flatMap((page) => blocksOf(page, readFileSync(root + page, 'utf8')))
  expect(blocks.length).toBeGreaterThan(0)
  expect(errorsOf(blocks)).toEqual([])
})

test('a block with a fault is told by its page and line', { timeout: 120_000 }, () => {
  const page =
    '# Page\n\n<!-- given: declare const number: string -->\n```ts\nconst a: string = number\nconst b: string = 1\n```\n'
  expect(errorsOf(blocksOf('x.md', page))).toEqual([
    "x.md:6: Type 'number' is not assignable to type 'string'.",
  ])
})

function blocksOf(page: string, text: string): Block[] {
  const fences =
    /(?:<!-- given:(?<given>(?:(?!-->)[^])*)-->\n+)?^```(?<language>ts|js|tsx|jsx)\n(?<code>[^]*?)^```$/gm
  return [...text.matchAll(fences)].map(({ 0: whole, index, groups }) => {
    const { given = '', code = '', language = '' } = groups ?? {}
    const before = `${given}\nexport {}\n`
    const start = text.slice(0, index + whole.lastIndexOf(code))
    // Where the module begins, so that its lines after `before` are those of the page.
    return {
      page,
      line: linesIn(start) - linesIn(before) + 1,
      code: before + code,
      typed: language.startsWith('t'),
    }
  })
}

function linesIn(text: string): number {
  return text.split('\n').length
}

/** Each as `page:line: message`. */
function errorsOf(blocks: readonly Block[]): string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (file) => readFileSync(file, 'utf8'))
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const compilerOptions = {
    ...options,
    paths: { ...options.paths, '@playwright/test': [`${root}test/docs/playwright-test.d.ts`] },
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
  const sources = new Map<string, Block>(
    blocks.map((block, index) => [`${root}test/docs/block-${index}.ts`, block]),
  )
  const host = ts.createCompilerHost(compilerOptions)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => sources.has(name) || fileExists(name)
  host.readFile = (name) => sources.get(name)?.code ?? readFile(name)
  host.getSourceFile = (name, version, ...rest) => {
    const block = sources.get(name)
    return block
      ? ts.createSourceFile(name, block.code, version)
      : getSourceFile(name, version, ...rest)
  }
  const program = ts.createProgram([...sources.keys()], compilerOptions, host)
  return [...sources].flatMap(([name, { page, line, typed }]) => {
    const source = program.getSourceFile(name)
    const found = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ]
    const faults = found.filter(({ code }) => typed || !isImplicitAny(code))
    return faults.map(({ messageText, start = 0 }) => {
      const at = source ? source.getLineAndCharacterOfPosition(start).line : 0
      return `${page}:${line + at}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

/** TypeScript counts them from 7005 to 7053. */
function isImplicitAny(code: number): boolean {
  return code >= 7005 && code <= 7053
}
