// Looks at what npm would publish: its files and metadata, and whether apps that install the
// tarball compile and sign somebody in. The last step of `npm run check`, after the build.
import assert from 'node:assert/strict'
import { type ExecFileOptions, execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { provideRedis } from '../test/support/redis-server.js'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
const bin = (name: string) => join(root, 'node_modules/.bin', name)

const packedBudget = 180_000

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
    inTurn(
      () => consumer('express', tarball, manifest),
      () => consumer('koa', tarball, manifest),
    ),
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
  const unexpected = paths.filter((path) => !documents.includes(path) && !code.test(path))
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

/** Each app has one framework installed, so neither adapter can lean on the other's. */
async function consumer(
  framework: 'express' | 'koa',
  tarball: string,
  manifest: Manifest,
): Promise<void> {
  const folder = join(temp, framework)
  const types = ['@types/node']
  const packages =
    framework === 'express'
      ? ['express', 'express-session', 'passport', 'ioredis']
      : ['koa', 'koa-session', '@koa/bodyparser']
  if (framework === 'express') types.push('@types/express', '@types/passport')
  else types.push('@types/koa')

  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const versions = await Promise.all([...packages, ...types].map(installedVersion))
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error']
  const args = ['install', '--ignore-scripts', ...quiet, tarball, ...versions]
  await command('npm', args, { cwd: folder })

  for (const file of ['sign-in.mjs', `${framework}.ts`]) await copy(file, folder)
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
  const project = JSON.stringify({ compilerOptions, files: [`${framework}.ts`] })
  await writeFile(join(folder, 'tsconfig.json'), project)
  await command(bin('tsc'), ['-p', folder])

  const app = framework === 'express' ? 'express.mjs' : 'koa.cjs'
  await copy(app, folder)
  if (framework === 'koa') {
    await command('node', [app], { cwd: folder, timeout: 30_000 })
    const [name = ''] = Object.keys(manifest.bin)
    const version = await command(join(folder, 'node_modules/.bin', name), ['--version'])
    assert.equal(version.trim(), manifest.version, `what ${name} --version prints`)
    return
  }
  const redis = await provideRedis()
  try {
    const env = { ...process.env, REDIS_URL: redis.url }
    await command('node', [app], { cwd: folder, timeout: 30_000, env })
  } finally {
    await redis.stop()
  }
}

async function installedVersion(name: string): Promise<string> {
  const file = join(root, 'node_modules', name, 'package.json')
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return `${name}@${version}`
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
