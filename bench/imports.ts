import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  dependencies: Record<string, string>
}
const repeats = 5

/** What importing the built package costs, in new processes. */
export function measureImports(): { main: number; parts: string; loaded: string[] } {
  const main = pathToFileURL(`${root}/dist/src/index.js`).href
  const express = pathToFileURL(`${root}/dist/adapters/express.js`).href
  const parts = [
    ['with ./express', `await import('${main}'); await import('${express}')`],
    ...Object.keys(manifest.dependencies).map((name) => [name, `await import('${name}')`]),
    ['for scale: express', `await import('express')`],
  ] as [string, string][]
  return {
    main: timeOf(`await import('${main}')`),
    parts: parts.map(([name, code]) => `${name} ${timeOf(code).toFixed(0)}`).join(', '),
    loaded: packagesOf(main),
  }
}

function timeOf(code: string): number {
  const times = Array.from({ length: repeats }, () =>
    Number(run(`const start = performance.now(); ${code}; console.log(performance.now() - start)`)),
  )
  // Other work on the machine only adds.
  return Math.min(...times)
}

/** The packages that are in memory afterwards, with the number of their files. */
function packagesOf(entry: string): string[] {
  const hooks = `export async function load(url, context, next) {
    process._rawDebug(url)
    return next(url, context)
  }`
  const code = `
    const { register, createRequire } = await import('node:module')
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
    await import('${entry}')
    for (const file of Object.keys(createRequire('${entry}').cache)) process._rawDebug(file)`
  const { stderr } = spawn(code)
  const files = new Map<string, Set<string>>()
  for (const file of stderr.split('\n')) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]
    if (name) files.set(name, (files.get(name) ?? new Set()).add(file.replace(/^file:\/\//, '')))
  }
  return [...files].map(([name, all]) => `${name} (${all.size})`).toSorted()
}

function run(code: string): string {
  const { status, stdout, stderr } = spawn(code)
  if (status !== 0) throw new Error(stderr)
  return stdout
}

function spawn(code: string) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
}
