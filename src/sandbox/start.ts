import { once, setMaxListeners } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createApi } from './api/api.js'
import { createApplications } from './applications/applications.js'
import { applicationOperations } from './applications/operations.js'
import { createClock } from './clock.js'
import { createControl, furthestAdvance } from './control/control.js'
import { InputError } from './control/input.js'
import { readRecipient } from './control/query.js'
import { createEvents } from './events.js'
import { createFaults, type Fault } from './faults/faults.js'
import { type FaultInput, parseFault } from './faults/parse.js'
import { sendInbox } from './inbox.js'
import { createJournal, type JournalEntry } from './journal.js'
import { createMagic } from './magic.js'
import { createMessages, type Message, type MessageFilter } from './messages.js'
import { createNumberReader } from './numbers.js'
import { otpOperations } from './otp/operations.js'
import { createOtps } from './otp/otps.js'
import type { OtpView } from './otp/view.js'
import { createSandboxServer } from './server.js'
import { callLine, messageLine } from './terminal.js'

export interface SandboxOptions {
  /**
   * Port on 127.0.0.1. 0 takes a free one.
   *
   * @default 0
   */
  port?: number

  /**
   * Gets a line for each message that a phone receives (channel, number, code, time left), and one
   * that begins with `API` for each call of tyntec's API (method, path, status, and why it was
   * refused).
   */
  print?: (line: string) => void

  /**
   * Id of one more 2FA application that each key has, with tyntec's defaults. It is there after a
   * reset too.
   *
   * @default the environment variable `SANDBOX_APPLICATION`
   */
  application?: string
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
  /** The calls of tyntec's API, oldest first, without their keys. */
  requests(): JournalEntry[]
  /** Every OTP of every key, oldest first, with what happened to it. */
  otps(): OtpView[]
  /**
   * Makes something go wrong from now on. Gives the fault as it is kept, with an `id`.
   *
   * @throws {Error} When a field is missing, unknown or wrong; the message names it.
   */
  fault(fault: FaultInput): Fault
  /** Nothing goes wrong any more, but for magic numbers. */
  noFaults(): void
  /**
   * Moves the sandbox's clock forward: what expires or is due by then does so at once.
   *
   * @throws {Error} When `seconds` is negative or over ten years.
   */
  advance(seconds: number): void
  /** As after the start, except that each `seq` goes on rising. */
  reset(): void
  /** Ends at once, also when calls are under way. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const apiKey = 'sandbox_key'

/** Starts tyntec's API, simulated, on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { application = process.env.SANDBOX_APPLICATION, print } = options
  const clock = createClock()
  const events = createEvents(clock.now)
  const messages = createMessages(events)
  const journal = createJournal({
    events,
    onAnswered: print && ((call) => print(callLine(call))),
  })
  const faults = createFaults(events)
  const magic = createMagic()
  const otps = createOtps({ clock, events, messages })
  const applications = createApplications({
    clock,
    ...(application && { named: application }),
    onDelete: otps.applicationDeleted,
  })
  const readNumber = await createNumberReader()
  let life = createEnd()

  function advance(seconds: number) {
    clock.advance(seconds)
    const now = new Date(clock.now()).toISOString()
    const advanced = clock.advanced()
    events.emit(() => ({ type: 'clock', now, advanced }))
  }

  function reset() {
    life.abort()
    life = createEnd()
    clock.reset()
    faults.clear()
    magic.reset()
    journal.clear()
    otps.clear()
    applications.clear()
    messages.clear()
    events.emit(() => ({ type: 'reset' }))
  }

  const server = createSandboxServer({
    api: createApi({
      clock,
      faults,
      journal,
      magic,
      operations: {
        ...applicationOperations(applications),
        ...otpOperations({ applications, magic, otps, readNumber }),
      },
    }),
    control: createControl({
      clock,
      events,
      faults,
      journal,
      magic,
      messages,
      otps,
      advance,
      reset,
    }),
    inbox: (res) => sendInbox(res, messages.list()),
    signal: () => life.signal,
  })

  if (print) {
    messages.subscribe((message) => {
      const otp = otps.find(message.otpId)
      print(messageLine(message, otp?.expire, clock.now()))
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
    requests: () => journal.list(),
    otps: () => otps.all().map(otps.toView),
    fault(input) {
      const fault = parseFault(input)
      faults.add(fault)
      return fault
    },
    noFaults: () => faults.clear(),
    advance(seconds) {
      if (!(seconds >= 0 && seconds <= furthestAdvance)) {
        throw new InputError(`seconds must be a number from 0 to ${furthestAdvance}.`)
      }
      advance(seconds)
    },
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
