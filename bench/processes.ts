import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export interface Server {
  name: string
  url: string
  /** Milliseconds of CPU time so far. */
  cpu(): Promise<number>
  stop(): Promise<void>
}

export interface Tyntec {
  url: string
  /** What the phone of that number gets, or has got. */
  codeOf(number: string): Promise<string>
  stop(): Promise<void>
}

const here = fileURLToPath(new URL('.', import.meta.url))
const compiled = fileURLToPath(new URL('../reports/bench', import.meta.url))

/** What nothing but the benchmark needs has a package.json of its own. Says whether it was missing. */
export function needsInstall(): boolean {
  return !existsSync(`${here}node_modules`)
}

export function install(): void {
  const args = ['ci', '--no-audit', '--no-fund', '--prefix', here]
  const { status } = spawnSync('npm', args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed`)
}

/**
 * Compiles the servers, so that they run on `dist` as an app would. tsx would wrap each function
 * they make, which is what a benchmark would then measure. Types are for `npx tsc -p bench/servers`.
 */
export function compileServers(): void {
  mkdirSync(compiled, { recursive: true })
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  for (const file of readdirSync(`${here}servers`).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(`${here}servers/${file}`, 'utf8'), {
      compilerOptions,
    })
    writeFileSync(`${compiled}/${file.replace(/ts$/, 'js')}`, outputText)
  }
  // They import the package by its own name, so they lie within it; better-auth is the benchmark's.
  if (!existsSync(`${compiled}/node_modules`)) {
    symlinkSync(`${here}node_modules`, `${compiled}/node_modules`)
  }
}

/** One of `bench/servers`, in a process of its own. `BENCH_PROF` names a folder for CPU profiles. */
export async function startServer(name: string, env: Record<string, string>): Promise<Server> {
  const { child, url } = await start(name, env)
  pin(child.pid, 'server')
  return {
    name,
    url,
    async cpu() {
      child.send('cpu')
      const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage]
      return (usage.user + usage.system) / 1000
    },
    stop: () => stop(child),
  }
}

export async function startTyntec(): Promise<Tyntec> {
  const { child, url } = await start('tyntec', {})
  pin(child.pid, 'others')
  const waiting = new Map<string, (code: string) => void>()
  child.on('message', (message) => {
    const { number, code } = message as { number: string; code: string } // its only message
    waiting.get(number)?.(code)
    waiting.delete(number)
  })
  return {
    url,
    codeOf: (number) =>
      new Promise((resolve) => {
        waiting.set(number, resolve)
        child.send({ number })
      }),
    stop: () => stop(child),
  }
}

async function start(name: string, env: Record<string, string>) {
  const profiles = name === 'tyntec' ? undefined : process.env.BENCH_PROF
  const profiling = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}/${name}`] : []
  const child = fork(`${compiled}/${name}.js`, {
    execArgv: profiling,
    env: { ...process.env, ...env },
  })
  const message = await Promise.race([once(child, 'message'), once(child, 'exit')])
  const [ready] = message as [{ port?: number } | number]
  if (typeof ready !== 'object' || !ready?.port) throw new Error(`${name} did not start`)
  return { child, url: `http://127.0.0.1:${ready.port}` }
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.send('stop')
  await gone
}

/**
 * The servers under test have a core of their own, everything else the other one. Where it can't be
 * said, the scheduler decides.
 */
export function pin(pid: number | undefined, to: 'server' | 'others'): void {
  if (process.platform === 'linux' && availableParallelism() >= 2 && pid !== undefined) {
    const core = to === 'server' ? '0' : '1'
    spawnSync('taskset', ['-a', '-c', '-p', core, String(pid)], { stdio: 'ignore' })
  }
}
