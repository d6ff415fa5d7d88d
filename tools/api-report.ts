/**
 * `npm run api` writes etc/*.api.md: what each entry of the package exports, as its types say after
 * the build. A change of the public surface so shows in review. `--check` says whether they are
 * right.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, relative, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
  name: string
  exports: Record<string, string | { types?: string }>
}

interface Entry {
  specifier: string
  report: string
  types: string
}

const entries = Object.entries(manifest.exports).flatMap(([path, target]): Entry[] => {
  if (typeof target === 'string' || !target.types) return []
  const name = path === '.' ? 'index' : basename(path)
  const specifier = path === '.' ? manifest.name : `${manifest.name}${path.slice(1)}`
  return [{ specifier, report: `etc/${name}.api.md`, types: resolve(root, target.types) }]
})

const program = ts.createProgram(
  entries.map(({ types }) => types),
  {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: ['node'],
    skipLibCheck: true,
  },
)
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true })

const exportsOf = new Map(entries.map((entry) => [entry, publicNamesOf(entry)]))
/** The entry from which each public thing is to be imported: the first that has it. */
const homes = new Map<ts.Symbol, Entry>()
for (const [entry, names] of exportsOf) {
  for (const symbol of names.values()) if (!homes.has(symbol)) homes.set(symbol, entry)
}

let stale = false
mkdirSync(`${root}/etc`, { recursive: true })
for (const entry of entries) {
  const file = `${root}/${entry.report}`
  const text = reportOf(entry)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`${entry.report} is not what ${entry.specifier} exports: npm run api`)
    stale = true
  }
}
if (stale) process.exitCode = 1

function reportOf(entry: Entry): string {
  const names = [...(exportsOf.get(entry) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const used = new Set<ts.Symbol>()
  const own = names.map(([name, symbol]) => {
    const home = homes.get(symbol)
    if (home && home !== entry) return `export { ${name} } from '${home.specifier}'`
    return `export ${declarationOf(name, symbol, used)}`
  })
  const inner: string[] = []
  // Grows while it is read: a type that is not exported may use another one.
  for (const symbol of used) {
    const home = homes.get(symbol)
    if (!home) inner.push(declarationOf(symbol.name, symbol, used))
    else if (home !== entry) inner.push(`import type { ${symbol.name} } from '${home.specifier}'`)
  }
  const parts = [
    `# ${entry.specifier}\n\nWritten by \`npm run api\`; not edited by hand.\n`,
    `\`\`\`ts\n${own.join('\n\n')}\n\`\`\`\n`,
  ]
  if (inner.length > 0) {
    parts.push(
      `Not exported here, but named above:\n\n\`\`\`ts\n${inner.toSorted().join('\n\n')}\n\`\`\`\n`,
    )
  }
  return parts.join('\n')
}

function publicNamesOf({ types }: Entry): Map<string, ts.Symbol> {
  const source = program.getSourceFile(types)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) throw new Error(`${relative(root, types)} is missing: npm run build`)
  return new Map(
    checker.getExportsOfModule(module).map((symbol) => [symbol.name, targetOf(symbol)]),
  )
}

/** What an import or export leads to in the end. */
function targetOf(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** The declaration without comments and private members; what it names of the package is noted. */
function declarationOf(name: string, symbol: ts.Symbol, used: Set<ts.Symbol>): string {
  const texts = (symbol.declarations ?? []).map((declaration) => {
    noteNames(declaration, symbol, used)
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    return printer
      .printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile())
      .replaceAll(/^(?:export )?(?:declare )?/gm, '')
      .replaceAll(/^ +(?:private \w+|#private);\n/gm, '')
  })
  const text = texts.join('\n')
  return symbol.name === name ? text : `{ ${symbol.name} as ${name} }\n${text}`
}

function noteNames(declaration: ts.Node, symbol: ts.Symbol, used: Set<ts.Symbol>): void {
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const found = checker.getSymbolAtLocation(node)
      const target = found && targetOf(found)
      if (target && target !== symbol && isOwn(target)) used.add(target)
    }
    ts.forEachChild(node, visit)
  }
  visit(declaration)
}

/** Declared at the top of a file of the package. */
function isOwn(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some((declaration) => {
    const file = declaration.getSourceFile()
    const top = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    // The symbol of a whole file has no parent.
    return (
      ts.isSourceFile(top.parent ?? top) &&
      !ts.isSourceFile(top) &&
      file.fileName.startsWith(`${root}/dist/`) &&
      !ts.isImportDeclaration(top)
    )
  })
}
