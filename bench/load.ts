import { Pool } from 'undici'
import { signIn } from './person.js'
import type { Server, Tyntec } from './processes.js'

export interface Slice {
  /** Logins per second. */
  rate: number
  /** Milliseconds of the server's CPU per login. */
  cpu: number
  /** Part of a core that the server had. */
  busy: number
}

// Fewer than the calls that may be under way, of which a tenth waits for known browsers.
const atOnce = 40

/** Slices of so many logins, 40 at a time. */
export function createLoad(tyntec: Tyntec) {
  const pools = new Map<string, Pool>()

  async function slice(server: Server, logins: number): Promise<Slice> {
    const pool = pools.get(server.url) ?? new Pool(server.url, { connections: atOnce })
    pools.set(server.url, pool)
    const before = await server.cpu()
    const started = performance.now()
    let left = logins
    const worker = async () => {
      while (left > 0) {
        left -= 1
        await signIn(server, pool, tyntec)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    const took = performance.now() - started
    const cpu = (await server.cpu()) - before
    return { rate: (logins / took) * 1000, cpu: cpu / logins, busy: cpu / took }
  }

  return {
    slice,
    close: () => Promise.all([...pools.values()].map((pool) => pool.close())),
  }
}
