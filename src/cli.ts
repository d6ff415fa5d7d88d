#!/usr/bin/env node
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

interface Command {
  summary: string
  usage: string
  /** Resolves with the exit code. */
  run(args: string[]): Promise<number>
}

/** The command line was wrong, which is exit code 2. */
class UsageError extends Error {
  override name = 'UsageError'
}

const sandboxUsage = `Usage: passport-tyntec-otp sandbox [--port <port>]

Starts tyntec's 2FA API, simulated, on 127.0.0.1, with an inbox at its URL.

Options:
  --port <port>  Port to listen on, 0 for any free one (default: 8026)
  --help         Show this help

Example:
  passport-tyntec-otp sandbox --port 8026
`

const commands: Record<string, Command> = {
  sandbox: {
    summary: "Start tyntec's API, simulated, on this machine",
    usage: sandboxUsage,
    run: runSandbox,
  },
}

const usage = `Usage: passport-tyntec-otp <command> [options]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}  ${summary}`)
  .join('\n')}

Options:
  --help      Show this help, or a command's when it follows one
  --version   Show the version

Exit codes: 0 done, 1 failed, 2 wrong usage
`

async function runSandbox(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { port: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(sandboxUsage)
    return 0
  }
  const port = readPort(values.port ?? '8026')

  const { startSandbox } = await import('./sandbox/index.js')
  let sandbox: Awaited<ReturnType<typeof startSandbox>>
  try {
    sandbox = await startSandbox({ port, print: (line) => process.stdout.write(`${line}\n`) })
  } catch (err) {
    const reason = listenFailures[errorCode(err) ?? '']
    if (reason === undefined) throw err
    process.stderr.write(`Port ${port} ${reason}. Choose another one with --port.\n`)
    return 1
  }

  const { url, apiKey } = sandbox
  process.stdout.write(`Sandbox   ${url}  (inbox in a browser, tyntec's API under /2fa/v1)
API key   ${apiKey}

  export TYNTEC_BASE_URL=${url} TYNTEC_API_KEY=${apiKey}
  curl -X POST -H 'apikey: ${apiKey}' '${url}/2fa/v1/otp?number=%2B12015550100'

`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  await sandbox.close()
  return 0
}

const listenFailures: Record<string, string> = {
  EADDRINUSE: 'is in use',
  EACCES: 'is not allowed for this user',
}

function readPort(value: string): number {
  const port = /^[0-9]{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError('--port must be a number from 0 to 65535')
  return port
}

const errorCode = (err: unknown): string | undefined =>
  err instanceof Error && 'code' in err && typeof err.code === 'string' ? err.code : undefined

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h') {
    process.stdout.write(usage)
    return 0
  }
  if (name === '--version') {
    process.stdout.write(`${readVersion()}\n`)
    return 0
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    const problem =
      name === undefined ? 'A command is missing' : `Unknown command or option: ${name}`
    process.stderr.write(`${problem}\n\n${usage}`)
    return 2
  }
  try {
    return await command.run(rest)
  } catch (err) {
    const isUsage = err instanceof UsageError || errorCode(err)?.startsWith('ERR_PARSE_ARGS_')
    if (!isUsage || !(err instanceof Error)) throw err
    process.stderr.write(`${err.message}\n\n${command.usage}`)
    return 2
  }
}

/** By the package's own name, which is right in `src` and in `dist`. */
function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('passport-tyntec-otp/package.json')
  return typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
    ? manifest.version
    : 'unknown'
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (err) {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`)
  process.exitCode = 1
}
