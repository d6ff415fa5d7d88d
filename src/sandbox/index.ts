import { once, setMaxListeners } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createApi } from './api.js'
import { createClock } from './clock.js'
import { createControl, readRecipient } from './control.js'
import { createFaults } from './faults.js'
import { sendInbox } from './inbox.js'
import { createJournal } from './journal.js'
import { createMagic } from './magic.js'
import { createMessages, type Message, type MessageFilter } from './messages.js'
import { createNumberReader } from './numbers.js'
import { createOtps } from './otps.js'
import { createSandboxServer } from './server.js'

export type { Message } from './messages.js'

export interface SandboxOptions {
  /**
   * Port on 127.0.0.1. 0 takes a free one.
   *
   * @default 0
   */
  port?: number

  /** Gets one line for each message a phone receives: channel, number, code, time left. */
  print?: (line: string) => void
}

export interface WaitOptions {
  /** Only messages with a higher `seq` count: the last one seen before the code was asked for. */
  after?: number

  /**
   * How long to wait, in seconds.
   *
   * @default 5
   */
  timeout?: number
}

export interface Sandbox {
  /** For `baseUrl`, and in a browser the inbox. */
  readonly url: string
  /**
   * Any key that begins with `sandbox_` is accepted, but for `sandbox_forbidden`, which gets a 403. OTPs
   * belong to the key that made them.
   */
  readonly apiKey: string
  /**
   * The code of the newest message to `number`, waiting for one when there is none yet. Rejects
   * with the last messages and API calls in the message when none came in time.
   */
  waitForCode(number: string, options?: WaitOptions): Promise<string>
  /** What phones received, oldest first. */
  messages(): Message[]
  /** As after the start, except that `seq` goes on rising. */
  reset(): void
  /** Ends at once, also when calls are under way. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const apiKey = 'sandbox_key'

/** Starts tyntec's 2FA API, simulated, on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = createClock()
  const messages = createMessages()
  const journal = createJournal()
  const faults = createFaults()
  const magic = createMagic()
  const otps = createOtps({ clock, messages })
  const readNumber = await createNumberReader()
  let life = createEnd()

  function reset() {
    life.abort()
    life = createEnd()
    clock.reset()
    faults.clear()
    magic.reset()
    journal.clear()
    otps.clear()
    messages.clear()
  }

  const server = createSandboxServer({
    api: createApi({ clock, faults, journal, magic, otps, readNumber }),
    control: createControl({ clock, faults, journal, messages, otps, reset }),
    inbox: (res) => sendInbox(res, messages.list()),
    signal: () => life.signal,
  })

  const { print } = options
  if (print) {
    messages.subscribe((message) => {
      if (message) print(toLine(message, otps.find(message.otpId)?.expire, clock.now()))
    })
  }

  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on a port has an address object; a string would be a pipe's.
  const { port } = server.address() as AddressInfo

  const closed = createEnd()
  async function close() {
    if (closed.signal.aborted) return
    closed.abort()
    life.abort()
    clock.reset()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  return {
    url: `http://127.0.0.1:${port}`,
    apiKey,
    async waitForCode(number, { after, timeout = 5 } = {}) {
      const filter: MessageFilter = { to: readRecipient(number), after }
      const message = await messages.wait(filter, timeout, closed.signal)
      if (message) return message.code
      throw new Error(
        [
          closed.signal.aborted
            ? 'The sandbox was closed while waiting for a code.'
            : `No code came to ${filter.to} within ${timeout} s${after === undefined ? '' : ` after message ${after}`}.`,
          'Last messages:',
          ...lastLines(messages.list()),
          'Last API calls:',
          ...lastLines(journal.list()),
        ].join('\n'),
      )
    },
    messages: () => messages.list(),
    reset,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** However many calls wait for it, that is no leak to warn of. */
function createEnd(): AbortController {
  const end = new AbortController()
  setMaxListeners(0, end.signal)
  return end
}

function lastLines(entries: readonly object[]): string[] {
  if (entries.length === 0) return ['  none']
  return entries.slice(-5).map((entry) => `  ${JSON.stringify(entry)}`)
}

function toLine(message: Message, expire: number | undefined, now: number): string {
  const seconds = expire === undefined ? 0 : Math.max(0, Math.round((expire - now) / 1000))
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return `${message.channel.toUpperCase().padEnd(5)}  ${message.to}  ${message.code}  (expires ${left})`
}
