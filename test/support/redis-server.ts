import { spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { accessSync, constants, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'

export interface RedisServer {
  url: string
  port: number
  pid: number
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void
  resume(): void
  /** SIGKILL, and resolves when the process is gone and its port is free again. */
  kill(): Promise<void>
  /** The same as `kill`: nothing is persisted, so there is nothing to shut down cleanly. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** To bring a server back where a client expects it. Default: a free one. */
  port?: number
  /** Further arguments for `redis-server`, as in `['--maxmemory', '1mb']`. */
  args?: string[]
  /**
   * One node that owns all slots: a script whose keys have different hash tags fails with
   * CROSSSLOT, as on a large cluster.
   */
  cluster?: boolean
}

// Ends the server when descriptor 3 closes, which it does however this process ends. SIGKILL,
// because a paused server does not see anything else. The watcher goes with the server: later the
// process id may be another's.
const supervisor = `
  trap '' PIPE
  dir=$1; shift
  "$@" 3<&- & server=$!
  { read -r _; kill -9 $server; } <&3 & watcher=$!
  echo "pid $server"
  wait $server
  kill -9 $watcher
  rm -rf "$dir"
`

class PortTaken extends Error {}

/** Starts a server of the caller's own on 127.0.0.1. It dies with this process, however that ends. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = findRedis()
  if (!binary) throw new Error(howToGetRedis)
  for (let tries = 1; ; tries += 1) {
    // Below the ports that outgoing connections take. Redis itself finds out whether it is free:
    // between asking first and starting, another process could take it.
    const port = options.port ?? randomInt(10_240, 22_768)
    try {
      return await startOn(port, binary, options)
    } catch (error) {
      if (!(error instanceof PortTaken) || options.port !== undefined || tries === 20) throw error
    }
  }
}

async function startOn(
  port: number,
  binary: string,
  options: RedisServerOptions,
): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'tyntec-otp-redis-'))
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir]
  args.push('--save', '', '--appendonly', 'no', '--daemonize', 'no')
  if (options.cluster) args.push('--cluster-enabled', 'yes', '--cluster-node-timeout', '1000')
  args.push(...(options.args ?? []))

  // Detached: a Ctrl-C in the terminal reaches vitest only, whose end then ends the server.
  const child = spawn('/bin/sh', ['-c', supervisor, 'sh', dir, binary, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })

  let output = ''
  const gone = new Promise<void>((resolve) => {
    child.on('exit', () => resolve())
  })
  const started = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    const read = (chunk: Buffer) => {
      // The log's beginning tells why a server did not start; the rest only has to be drained.
      if (output.length < 20_000) output += chunk.toString()
      const pid = /^pid (\d+)$/m.exec(output)?.[1]
      if (pid) resolve(Number(pid))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
  })
  const failed = gone.then(() => {
    if (/address already in use/i.test(output)) throw new PortTaken(`port ${port} is taken`)
    throw new Error(`${binary} did not start:\n${output}`)
  })
  // Also the end of every server that did start.
  failed.catch(() => {})

  const url = `redis://127.0.0.1:${port}`
  const pid = await Promise.race([started, failed])
  const probe = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  probe.on('error', () => {})
  try {
    const info = await Promise.race([probe.info('server'), failed])
    // Another server was on this port, and answered before ours gave up.
    if (!info.includes(`process_id:${pid}\r`)) await failed
    if (options.cluster) await Promise.race([ownAllSlots(probe), failed])
  } finally {
    probe.disconnect()
  }

  // From here on the server keeps no finished process alive.
  child.unref()
  for (const stream of child.stdio) {
    if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
  }

  const signal = (name: NodeJS.Signals) => {
    process.kill(pid, name)
  }
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      try {
        signal('SIGKILL')
      } catch (error) {
        // Gone already, and the supervisor is about to say so.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
      }
      child.ref()
      await gone
    }
  }
  return {
    url,
    port,
    pid,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill,
    stop: kill,
  }
}

async function ownAllSlots(redis: Redis): Promise<void> {
  const slots = Array.from({ length: 16_384 }, (_, slot) => slot)
  await redis.cluster('ADDSLOTS', ...slots)
  while (!(await redis.cluster('INFO')).includes('cluster_state:ok')) {
    // A node waits for two seconds after its start until it takes writes.
    await setTimeout(20)
  }
}

/** `REDIS_URL` as it is; else a server of this run's own, installed first when there is none. */
export async function provideRedis(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.REDIS_URL
  if (given) {
    await reach(given)
    return { url: given, stop: () => Promise.resolve() }
  }
  if (!findRedis()) installRedis()
  return startRedisServer()
}

async function reach(url: string): Promise<void> {
  const redis = new Redis(url, {
    connectTimeout: 5_000,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
  })
  redis.on('error', () => {})
  try {
    await redis.connect()
    await redis.ping()
  } catch (error) {
    // The URL may hold a password, so it stays out of the message.
    throw new Error('REDIS_URL is set, but no Redis answers there', { cause: error })
  } finally {
    redis.disconnect()
  }
}

/** The program to start: `REDIS_SERVER`, or the first of those that are installed. */
export function findRedis(): string | undefined {
  const named = process.env.REDIS_SERVER
  if (named) return named
  const folders = (process.env.PATH ?? '').split(delimiter)
  // Where Debian and Homebrew put it, if the shell's PATH does not say so.
  folders.push('/usr/bin', '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin')
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of folders) {
      const file = join(folder, name)
      try {
        accessSync(file, constants.X_OK)
        return file
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined
}

const howToGetRedis = [
  'The tests need a real Redis (or Valkey), and there is none. One of these will do:',
  '  REDIS_URL=redis://host:6379 npm test   (only keys starting with tyntec-otp-test: are written)',
  '  apt-get install redis-server           (Debian, Ubuntu)',
  '  dnf install valkey                     (Fedora)',
  '  apk add redis                          (Alpine)',
  '  brew install redis                     (macOS)',
].join('\n')

/** Installs a server when the system's package manager asks for no password; throws otherwise. */
function installRedis(): void {
  const asRoot = process.getuid?.() === 0 ? [] : canSudo() ? ['sudo', '-n'] : undefined
  const commands = installCommands(asRoot)
  if (!commands) throw new Error(howToGetRedis)
  for (const [command = '', ...args] of commands) {
    process.stderr.write(`No redis-server or valkey-server here: ${[command, ...args].join(' ')}\n`)
    const { status, error } = spawnSync(command, args, {
      // Its output goes to stderr too: stdout is the test report's.
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', HOMEBREW_NO_AUTO_UPDATE: '1' },
    })
    if (status !== 0) {
      throw new Error(`${command} failed (${error?.message ?? status}).\n${howToGetRedis}`)
    }
  }
  if (!findRedis()) throw new Error(howToGetRedis)
}

function installCommands(asRoot: string[] | undefined): string[][] | undefined {
  if (asRoot && has('apt-get')) {
    // A machine that is still setting itself up holds the lock; waiting is better than failing.
    const aptGet = [...asRoot, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120']
    return [
      [...aptGet, 'update'],
      [...aptGet, 'install', '-y', '--no-install-recommends', 'redis-server'],
    ]
  }
  if (asRoot && has('dnf')) return [[...asRoot, 'dnf', 'install', '-y', 'valkey']]
  if (asRoot && has('apk')) return [[...asRoot, 'apk', 'add', 'redis']]
  // Homebrew refuses to run as root, and needs no password for its own folder.
  if (process.getuid?.() !== 0 && has('brew')) return [['brew', 'install', 'redis']]
  return undefined
}

function canSudo(): boolean {
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
}

function has(command: string): boolean {
  return spawnSync('/bin/sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0
}
