import { once } from 'node:events'
import { get } from 'node:http'
import { createInterface } from 'node:readline'

/**
 * Lets this process's clock follow the sandbox's, so that waits end and codes expire in the app when
 * somebody moves the clock on the phone. The sandbox counts with the other clock, \`Date.now\`.
 */
export async function shareClock(sandbox: string): Promise<void> {
  const real = performance.now.bind(performance)
  let ahead = 0
  performance.now = () => real() + ahead

  const [response] = await once(get(`${sandbox}/_sandbox/events`), 'response')
  let type = ''
  for await (const line of createInterface(response)) {
    if (line.startsWith('event: ')) type = line.slice('event: '.length)
    else if (type === 'clock' && line.startsWith('data: ')) {
      const { advanced } = JSON.parse(line.slice('data: '.length))
      // Never back, as this clock promises: a reset of the sandbox starts from here.
      ahead = Math.max(ahead, advanced * 1000)
    }
  }
}
