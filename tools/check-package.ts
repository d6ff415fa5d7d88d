// Looks at what npm would publish: its files and metadata, and whether apps that install the
// tarball compile and sign somebody in. The last step of `npm run check`, after the build.
import assert from 'node:assert/strict'
import { type ExecFileOptions, execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { provideRedis } from '../test/support/redis-server.js'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
const bin = (name: string) => join(root, 'node_modules/.bin', name)

/** Half of it is code, a quarter of that the sandbox with its inbox; the rest is docs with their pictures. */
const packedBudget = 640_000

interface Manifest {
  bin: Record<string, string>
  dependencies: Record<string, string>
  exports: Record<string, string | Record<string, string>>
  peerDependencies: Record<string, string>
  peerDependenciesMeta: Record<string, { optional?: boolean }>
  scripts: Record<string, string>
  version: string
}

interface Packed {
  filename: string
  size: number
  unpackedSize: number
  files: Array<{ path: string }>
}

/** An app that has installed the tarball. */
interface Project {
  name: string
  /** What else it has installed, as our own devDependencies name it. */
  packages: string[]
  /** Run with a Redis. Without: `name`.ts is compiled only. */
  app?: string
}

// Each has one framework or none, and one client or all, so that nothing can lean on another's.
const projects: Project[] = [
  {
    name: 'express',
    packages: ['express', 'express-session', 'passport', 'ioredis'],
    app: 'express.mjs',
  },
  { name: 'koa', packages: ['koa', 'koa-session', '@koa/bodyparser'], app: 'koa.cjs' },
  {
    name: 'one-redis',
    packages: ['express', 'express-session', 'passport', 'redis', 'connect-redis-9'],
    app: 'one-redis.mjs',
  },
  { name: 'clients', packages: ['ioredis', 'ioredis-5', 'iovalkey', 'redis', 'redis-5'] },
]

const temp = await mkdtemp(join(tmpdir(), 'tyntec-otp-check-'))
try {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
  const packed = await pack()
  const tarball = join(temp, packed.filename)

  checkManifest(manifest)
  checkFiles(packed, manifest)
  await checkImports(packed, manifest)

  // Two at a time: CI has two cores. All are waited for, since they work in the folder that goes.
  const checks = await Promise.allSettled([
    inTurn(
      () => command(bin('publint'), ['run', tarball, '--strict']),
      () => command(bin('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii']),
    ),
    inTurn(...projects.map((project) => () => consumer(project, tarball, manifest))),
  ])
  for (const check of checks) if (check.status === 'rejected') throw check.reason
  console.log(
    `package: ${packed.files.length} files, ${packed.size} bytes packed, ${packed.unpackedSize} unpacked`,
  )
} catch (error) {
  // What a command has printed is in the message; where this file called it helps nobody.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await rm(temp, { recursive: true, force: true })
}

async function pack(): Promise<Packed> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', temp]
  const answer = JSON.parse(await command('npm', args)) as Packed[]
  const packed = answer[0]
  assert(packed, 'npm pack made no tarball')
  return packed
}

function checkManifest(manifest: Manifest): void {
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']
  const used = hooks.filter((hook) => hook in manifest.scripts)
  assert.deepEqual(used, [], 'installing the package must not run a script')

  const mandatory = Object.keys(manifest.peerDependencies).filter(
    (name) => !manifest.peerDependenciesMeta[name]?.optional,
  )
  assert.deepEqual(mandatory, [], 'no app needs all of the peers, so each is optional')
}

function checkFiles(packed: Packed, manifest: Manifest): void {
  const paths = packed.files.map((file) => file.path)
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
  const code = /^dist\/(src|adapters)\/[\w/-]+\.(js|d\.ts|css)$/
  const pages = /^(docs\/[\w/-]+\.(md|txt|png)|examples\/[\w./-]+\.(tsx?|js|css|json)|[A-Z]+\.md)$/
  const known = (path: string) => documents.includes(path) || code.test(path) || pages.test(path)
  const unexpected = paths.filter((path) => !known(path))
  assert.deepEqual(unexpected, [], 'files that do not belong into the package')

  const targets = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  const expected = [...targets, ...Object.values(manifest.bin)].map((path) => path.slice(2))
  const missing = [...documents, ...expected].filter((path) => !paths.includes(path))
  assert.deepEqual(missing, [], 'files that the package lacks')

  assert(packed.size <= packedBudget, `packed size is ${packed.size}, the budget ${packedBudget}`)
}

/** A devDependency that the build imports would be missing only on the user's machine. */
async function checkImports(packed: Packed, manifest: Manifest): Promise<void> {
  const allowed = new Set([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
  ])
  const undeclared: string[] = []
  for (const { path } of packed.files) {
    if (!/\.(js|d\.ts)$/.test(path)) continue
    const { importedFiles } = ts.preProcessFile(await readFile(join(root, path), 'utf8'))
    for (const { fileName: name } of importedFiles) {
      if (name.startsWith('.') || name.startsWith('node:')) continue
      const base = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
      if (!allowed.has(base)) undeclared.push(`${path}: ${name}`)
    }
  }
  assert.deepEqual(undeclared, [], 'imports that are neither dependencies nor peers')
}

async function consumer(
  { name, packages, app }: Project,
  tarball: string,
  manifest: Manifest,
): Promise<void> {
  const folder = join(temp, name)
  const types = ['@types/node', ...packages.map((each) => `@types/${each}`)].filter(isOurs)

  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const installed = [...packages, ...types]
  const versions = await Promise.all(installed.map((each) => versionOf(each, installed)))
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error']
  const args = ['install', '--ignore-scripts', ...quiet, tarball, ...versions]
  await command('npm', args, { cwd: folder })

  await copy(`${name}.ts`, folder)
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ['node'],
    // Off, unlike in the package itself: this is where its own declarations are checked.
    skipLibCheck: false,
  }
  const project = JSON.stringify({ compilerOptions, files: [`${name}.ts`] })
  await writeFile(join(folder, 'tsconfig.json'), project)
  await command(bin('tsc'), ['-p', folder])

  if (app === undefined) return
  for (const file of ['sign-in.mjs', app]) await copy(file, folder)
  const redis = await provideRedis()
  try {
    const env = { ...process.env, REDIS_URL: redis.url }
    await command('node', [app], { cwd: folder, timeout: 30_000, env })
  } finally {
    await redis.stop()
  }

  const [program = ''] = Object.keys(manifest.bin)
  const version = await command(join(folder, 'node_modules/.bin', program), ['--version'])
  assert.equal(version.trim(), manifest.version, `what ${program} --version prints`)
}

function isOurs(name: string): boolean {
  return existsSync(join(root, 'node_modules', name))
}

/** What npm is to install. An alias stays one beside the package of that name, as `redis-5` is. */
async function versionOf(alias: string, beside: string[]): Promise<string> {
  const file = join(root, 'node_modules', alias, 'package.json')
  const { name, version } = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>
  const exact = `${name}@${version}`
  return alias !== name && name && beside.includes(name) ? `${alias}@npm:${exact}` : exact
}

function copy(file: string, folder: string): Promise<void> {
  return cp(join(root, 'tools/consumer', file), join(folder, file))
}

async function command(file: string, args: string[], options: ExecFileOptions = {}) {
  const shown = [file.replace(`${root}/`, ''), ...args].join(' ')
  try {
    const { stdout } = await run(file, args, { cwd: root, ...options, encoding: 'utf8' })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '', killed } = error as Partial<Record<string, string>>
    const reason = killed ? 'did not end in time' : 'failed'
    throw new Error(`${shown} ${reason}\n${stdout}${stderr}`, { cause: error })
  }
}

async function inTurn(...steps: Array<() => Promise<unknown>>): Promise<void> {
  for (const step of steps) await step()
}
