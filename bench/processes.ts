import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Server {
  name: string
  url: string
  /** Messages of this process that answer no question. */
  onMessage(listener: (message: unknown) => void): void
  /** Milliseconds of CPU time so far. */
  cpu(): Promise<number>
  stop(): Promise<void>
}

/**
 * Compiles the servers, so that they run on `dist` as an app would. tsx would wrap each function
 * they make, which is what a benchmark would then measure.
 */
export function compileServers(): void {
  const project = fileURLToPath(new URL('servers', import.meta.url))
  const { status } = spawnSync('npx', ['tsc', '-p', project], { stdio: 'inherit' })
  if (status !== 0) throw new Error('The servers do not compile')
}

/** One of `bench/servers`, in a process of its own. `BENCH_PROF` names a folder for CPU profiles. */
export async function start(name: string, env: Record<string, string> = {}): Promise<Server> {
  const profiles = process.env.BENCH_PROF
  const profiling = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}/${name}`] : []
  const child = fork(new URL(`../reports/bench/${name}.js`, import.meta.url), {
    execArgv: profiling,
    env: { ...process.env, ...env },
  })
  const message = await Promise.race([once(child, 'message'), once(child, 'exit')])
  const [ready] = message as [{ port?: number } | number]
  if (typeof ready !== 'object' || !ready?.port) throw new Error(`${name} did not start`)
  pin(child.pid, name === 'tyntec' ? 'others' : 'server')
  return {
    name,
    url: `http://127.0.0.1:${ready.port}`,
    onMessage: (listener) => void child.on('message', listener),
    async cpu() {
      child.send('cpu')
      const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage]
      return (usage.user + usage.system) / 1000
    },
    stop: () => stop(child),
  }
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
