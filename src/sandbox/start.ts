import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { furthestAdvance } from './control/control.js'
import { InputError } from './control/input.js'
import { readRecipient } from './control/query.js'
import { parseFault } from './faults/parse.js'
import { sendInbox } from './inbox/index.js'
import type { MessageFilter } from './messages.js'
import type { Sandbox, SandboxOptions } from './sandbox.js'
import { createSandboxServer } from './server.js'
import { callLine, messageLine } from './terminal.js'
import { checkWebhooks } from './webhooks/webhooks.js'
import { createEnd, createWorld } from './world.js'

const apiKey = 'sandbox_key'

/** Starts tyntec's API, simulated, on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { application = process.env.SANDBOX_APPLICATION, print, webhooks = {} } = options
  checkWebhooks(webhooks)
  let url = ''
  const world = await createWorld({
    application,
    webhooks,
    onAnswered: print && ((call) => print(callLine(call))),
    baseUrl: () => url,
  })
  const { clock, faults, journal, messages, otps } = world

  if (print) {
    messages.subscribe((message) => {
      print(messageLine(message, otps.find(message.otpId)?.expire, clock.now()))
    })
  }

  const server = createSandboxServer({
    api: world.api,
    control: world.control,
    inbox: (res, request) => sendInbox(res, request, world),
    signal: world.signal,
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on a port has an address object; a string would be a pipe's.
  const { port } = server.address() as AddressInfo
  url = `http://127.0.0.1:${port}`

  const closed = createEnd()
  async function close() {
    if (closed.signal.aborted) return
    closed.abort()
    world.stop()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  return {
    url,
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
      world.advance(seconds)
    },
    reset: world.reset,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function lastLines(entries: readonly object[]): string[] {
  if (entries.length === 0) return ['  none']
  return entries.slice(-5).map((entry) => `  ${JSON.stringify(entry)}`)
}
