import { readArguments } from './arguments.js'
import { type Command, UsageError } from './command.js'

export const sandbox: Command = {
  help: `Usage: passport-tyntec-otp sandbox [--port <port>]

Starts tyntec's APIs, simulated, on 127.0.0.1, with an inbox at its URL.

  --port <port>  Port to listen on, 0 for any free one (default: 8026)
  --help         Show this help

Example:
  passport-tyntec-otp sandbox --port 8026
`,
  async run(args, around) {
    const { values } = readArguments(args, { port: { type: 'string' } })
    const port = readPort(values.port ?? '8026')

    const { startSandbox } = await import('../sandbox/index.js')
    let started: Awaited<ReturnType<typeof startSandbox>>
    try {
      started = await startSandbox({ port, print: (line) => around.out(`${line}\n`) })
    } catch (error) {
      const reason = listenFailures[codeOf(error) ?? '']
      if (reason === undefined) throw error
      around.err(`Port ${port} ${reason}. Choose another one with --port.\n`)
      return 1
    }

    const { url, apiKey } = started
    // Before anybody can read that it has begun, and end it.
    const ended = around.ended()
    around.out(`Sandbox   ${url}  (inbox in a browser, tyntec's API under /2fa/v1)
API key   ${apiKey}

  export TYNTEC_BASE_URL=${url} TYNTEC_API_KEY=${apiKey}
  curl -X POST -H 'apikey: ${apiKey}' '${url}/2fa/v1/otp?number=%2B12015550100'

`)
    await ended
    await started.close()
    return 0
  },
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

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
