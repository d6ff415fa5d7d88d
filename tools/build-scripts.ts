import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tstl from 'typescript-to-lua'
import ts from 'typescript'

/*
 * Makes src/store/scripts.ts: the steps of src/store/steps as the Lua that Redis runs, one script for each.
 * `--check` only tells whether that file is what the steps say.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const target = resolve(root, 'src/store/scripts.ts')
const store = resolve(root, 'src/store')
const index = resolve(store, 'steps/index.ts')

const refuse = `    return redis.error_reply('WRONGTYPE of a record')`
/** What has no known end but this step is not held up by what it only counts. */
const passOver = `    if name == 'number' then return redis.error_reply('WRONGTYPE of a record') end
    box.unreadable = true`
const passesOver = new Set(['settleCheck', 'recount'])

/** Reads the records, runs the step and writes those that it has changed. All or nothing: it is one script. */
const before = (step: string) => `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = ${step !== 'unlock'}}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
${passesOver.has(step) ? passOver : refuse}
  end
  boxes[name] = box
end
`
const after = (step: string) => `
local reply = ${step}(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`

/** What a step needs of its own modules, by name: names are unique over all of them. */
const declared = new Map<string, { text: string; uses: ReadonlySet<string>; file: string }>()
/** Types say nothing in Lua, and the compiler wants all of them. */
const typesOf = new Map<string, string>()

function load(file: string): void {
  if (typesOf.has(file)) return
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true)
  typesOf.set(file, '')
  let types = ''
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const from = statement.moduleSpecifier
      if (!ts.isStringLiteral(from)) continue
      const imported = resolve(dirname(file), from.text.replace(/\.js$/, '.ts'))
      if (imported.startsWith(store)) load(imported)
      continue
    }
    const text = statement.getText().replace(/^export /, '')
    const name = nameOf(statement)
    if (name === undefined) {
      types += `${text}\n`
      continue
    }
    const before = declared.get(name)
    if (before) throw new Error(`${name} is in ${before.file} and in ${file}`)
    declared.set(name, { text, uses: identifiersOf(statement), file })
  }
  typesOf.set(file, types)
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isFunctionDeclaration(statement)) return statement.name?.text
  if (!ts.isVariableStatement(statement)) return undefined
  const [declaration] = statement.declarationList.declarations
  return declaration && ts.isIdentifier(declaration.name) ? declaration.name.text : undefined
}

function identifiersOf(node: ts.Node): Set<string> {
  const found = new Set<string>()
  const visit = (each: ts.Node) => {
    if (ts.isIdentifier(each) && !isName(each)) found.add(each.text)
    ts.forEachChild(each, visit)
  }
  visit(node)
  return found
}

/** Whether an identifier names a field or a local, and so refers to nothing outside. */
function isName(identifier: ts.Identifier): boolean {
  const { parent } = identifier
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === identifier) ||
    (ts.isPropertyAssignment(parent) && parent.name === identifier) ||
    ts.isPropertySignature(parent) ||
    ts.isBindingElement(parent) ||
    ts.isParameter(parent)
  )
}

/** The step and what it calls, callees first. */
function bundle(step: string): string {
  const done = new Set<string>()
  const add = (name: string): string => {
    const found = declared.get(name)
    if (!found || done.has(name)) return ''
    done.add(name)
    return `${[...found.uses].map(add).join('')}${found.text}\n`
  }
  // The list of steps is of use to nobody but `memoryStore`.
  const types = [...typesOf].map(([file, text]) => (file === index ? '' : text))
  return types.join('') + add(step)
}

/** Types of the outcomes that records name. */
const types = `type Channel = string
type Delivery = 'unknown' | 'sent' | 'delivered' | 'failed'
`

function toLua(step: string): string {
  const { file: made, diagnostics } = tstl.transpileString(types + bundle(step), {
    luaTarget: tstl.LuaTarget.Lua51,
    luaLibImport: tstl.LuaLibImportKind.Inline,
    noHeader: true,
    noImplicitSelf: true,
    noImplicitGlobalVariables: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    strict: true,
  })
  const lua = made?.lua
  const problems = diagnostics.map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, '\n'),
  )
  if (lua === undefined || problems.length > 0) throw new Error(`${step}: ${problems.join('\n')}`)
  if (lua.includes('__TS__')) throw new Error(`${step} uses what Lua lacks: ${lua.slice(0, 400)}`)
  // Redis reads what is indented no better.
  return before(step) + lua.trim().replace(/^ +/gm, '') + after(step)
}

/** The steps, as they are listed. */
function stepsOf(): string[] {
  load(index)
  const list = /export const steps = \{([^}]*)\}/.exec(readFileSync(index, 'utf8'))?.[1] ?? ''
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** `--step=claim`: that one anew, and the others as they were made before. */
const only = process.argv.find((each) => each.startsWith('--step='))?.slice('--step='.length)
// Made by this file.
const { scripts: earlier } = (only === undefined ? { scripts: {} } : await import(target)) as {
  scripts: Record<string, string | undefined>
}

function luaOf(step: string): string {
  return (step === only ? undefined : earlier[step]) ?? toLua(step)
}

const quoted = (lua: string) => `\`${lua.replace(/[\\`]|\$\{/g, '\\$&')}\``
const made = `/* Made by \`npm run build:scripts\` of src/store/steps. Change those, not this. */
export const scripts: Readonly<Record<string, string>> = {
${stepsOf()
  .map((step) => `  ${step}: ${quoted(luaOf(step))},`)
  .join('\n')}
}
`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== made) {
    console.error('src/store/scripts.ts is not what the steps say: run npm run build:scripts')
    process.exitCode = 1
  }
} else {
  writeFileSync(target, made)
}
