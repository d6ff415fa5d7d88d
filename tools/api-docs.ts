/**
 * Writes docs/api.md: every public name with what its source says of it. Part of `npm run api`;
 * `--check` says whether the page is right.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')
const page = `${root}/docs/api.md`

/** The imports of the package, in the order of the page. */
const entries = [
  ['passport-tyntec-otp', 'src/index.ts'],
  ['passport-tyntec-otp/express', 'adapters/express.ts'],
  ['passport-tyntec-otp/koa', 'adapters/koa.ts'],
  ['passport-tyntec-otp/browser', 'src/browser/index.ts'],
  ['passport-tyntec-otp/sandbox', 'src/sandbox/index.ts'],
  ['passport-tyntec-otp/tyntec', 'src/tyntec/index.ts'],
] as const

const { config } = ts.readConfigFile(`${root}/tsconfig.json`, (file) => readFileSync(file, 'utf8'))
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const program = ts.createProgram(
  entries.map(([, file]) => `${root}/${file}`),
  { ...options, lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'] },
)
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true })

/** Where each name that several entries export is described: the first. */
const homes = new Map<ts.Symbol, string>()
const text = render()
if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
  console.error('docs/api.md is not what the sources say: npm run api')
  process.exitCode = 1
}

function render(): string {
  const parts = entries.map(([specifier, file]) => entryOf(specifier, `${root}/${file}`))
  return `# API

Every public name, written by \`npm run api\` from the sources. Options with examples: [options.md](options.md).

${parts.join('\n')}`
}

function entryOf(specifier: string, file: string): string {
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) throw new Error(`${file} is missing`)
  const names = checker
    .getExportsOfModule(module)
    .filter(({ name }) => name !== 'module.exports')
    .map((symbol) => ({ name: symbol.name, symbol: targetOf(symbol) }))
    .toSorted((a, b) => rankOf(a.symbol) - rankOf(b.symbol) || (a.name < b.name ? -1 : 1))
  const parts = names.map(({ name, symbol }) => {
    const home = homes.get(symbol)
    if (home !== undefined) return `### ${name}\n\nAs in \`${home}\`.\n`
    homes.set(symbol, specifier)
    return nameOf(name, symbol)
  })
  return `## ${specifier}\n\n${parts.join('\n')}`
}

/** What can be called first, then types. */
function rankOf(symbol: ts.Symbol): number {
  return symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class | ts.SymbolFlags.Variable)
    ? 0
    : 1
}

function nameOf(name: string, symbol: ts.Symbol): string {
  const [declaration] = symbol.declarations ?? []
  if (!declaration) throw new Error(`${name} is declared nowhere`)
  const parts = [`### ${name}\n`, described(symbol)]
  if (ts.isInterfaceDeclaration(declaration)) {
    const { heritageClauses = [] } = declaration
    for (const { types } of heritageClauses) {
      parts.push(`With all of ${types.map((type) => `\`${textOf(type)}\``).join(', ')}.\n`)
    }
    parts.push(membersOf(declaration.members))
  } else if (ts.isClassDeclaration(declaration)) {
    const members = declaration.members.filter(isPublic)
    const overloads = members.filter((each) => ts.isConstructorDeclaration(each) && !each.body)
    const seen = (each: ts.ClassElement) =>
      !(ts.isConstructorDeclaration(each) && each.body && overloads.length > 0)
    parts.push(membersOf(members.filter(seen)))
  } else {
    const signatures = (symbol.declarations ?? []).map((each) => signatureOf(each))
    parts.push(`\`\`\`ts\n${signatures.join('\n')}\n\`\`\`\n`)
  }
  return parts.filter((part) => part !== '').join('\n')
}

function isPublic(member: ts.ClassElement): boolean {
  const hidden = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private
  return !hidden && !(member.name && ts.isPrivateIdentifier(member.name))
}

/** A declaration without its body. */
function signatureOf(declaration: ts.Declaration): string {
  if (ts.isFunctionDeclaration(declaration)) {
    const { name, typeParameters = [], parameters, type } = declaration
    const generics =
      typeParameters.length > 0 ? `<${typeParameters.map((each) => textOf(each)).join(', ')}>` : ''
    const list = parameters.map((each) => textOf(each)).join(', ')
    return `function ${name?.text}${generics}(${list})${type ? `: ${textOf(type)}` : ''}`
  }
  return textOf(declaration)
    .replace(/^export /, '')
    .replace(/;$/, '')
}

function membersOf(members: readonly ts.Node[]): string {
  const rows = members.filter(isDeclaration).flatMap((member) => {
    const symbol = symbolOf(member)
    if (symbol && isInternal(symbol)) return []
    const signature = memberText(member)
    return [
      `| \`${cell(signature)}\` | ${cell(
        described(symbol)
          .trim()
          .replaceAll(/\s*\n\s*/g, ' '),
      )} |`,
    ]
  })
  return rows.length > 0 ? `| | |\n| --- | --- |\n${rows.join('\n')}\n` : ''
}

function isDeclaration(node: ts.Node): node is ts.Declaration {
  return (
    ts.isPropertySignature(node) ||
    ts.isMethodSignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isIndexSignatureDeclaration(node)
  )
}

function symbolOf(node: ts.Declaration): ts.Symbol | undefined {
  const { name } = node as ts.NamedDeclaration // if it has one
  return name && checker.getSymbolAtLocation(name)
}

/** Without the `| undefined` that every option takes, and without the body of a method. */
function memberText(member: ts.Declaration): string {
  const { body, questionToken } = member as ts.MethodDeclaration // of which others have none
  const whole = body
    ? member.getSourceFile().text.slice(member.getStart(), body.getStart())
    : textOf(member)
  const text = whole
    .trim()
    .replace(/[;,]$/, '')
    .replace(/^readonly /, '')
    .replaceAll(/\s+/g, ' ')
  return questionToken ? text.replace(/ \| undefined$/, '') : text
}

function described(symbol: ts.Symbol | undefined): string {
  if (!symbol) return ''
  const parts = [ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim()]
  for (const { name, text } of symbol.getJsDocTags(checker)) {
    const said = ts.displayPartsToString(text).trim()
    if (name === 'default') parts.push(`Default: ${said.includes('`') ? said : `\`${said}\``}.`)
    if (name === 'throws') parts.push(`Throws ${said.replace(/^\{(\w+)\}/, '`$1`')}`)
    if (name === 'example') parts.push(`\`\`\`ts\n${said}\n\`\`\``)
  }
  const text = parts.filter((part) => part !== '').join('\n\n')
  return text === '' ? '' : `${text}\n`
}

function isInternal(symbol: ts.Symbol): boolean {
  return symbol.getJsDocTags(checker).some(({ name }) => name === 'internal')
}

function targetOf(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function textOf(node: ts.Node): string {
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}
