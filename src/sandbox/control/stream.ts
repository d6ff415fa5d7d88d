import type { ServerResponse } from 'node:http'
import type { Events, SandboxEvent } from '../events.js'

/** Events as server-sent events: from now on, or from the one after the cursor. */
export function streamEvents(res: ServerResponse, events: Events, after: number | undefined): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  res.write('retry: 1000\n\n')
  const unsubscribe = events.subscribe((event) => res.write(toText(event)), after)
  // Something has to be written now and then, or a reader that has gone is never noticed.
  const ping = setInterval(() => res.write(': ping\n\n'), 15_000).unref()
  res.once('close', () => {
    unsubscribe()
    clearInterval(ping)
  })
}

const toText = (event: SandboxEvent) =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
