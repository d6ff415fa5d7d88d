import { Pool } from 'undici'
import type { Server } from './processes.js'

export interface Slice {
  /** Logins per second. */
  rate: number
  /** Milliseconds of the server's CPU per login. */
  cpu: number
  /** Part of a core that the server had. */
  busy: number
}

const atOnce = 50
let people = 0

/** So many logins, 50 at a time: a number, an address and a cookie jar of its own for each. */
export function createLoad(tyntec: Server) {
  const codeOf = receiveCodes(tyntec)
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
        await logIn(pool, codeOf)
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

type CodeOf = (number: string) => Promise<string>

/** The codes that phones get, once for each number. */
function receiveCodes(tyntec: Server): CodeOf {
  const codes = new Map<string, string>()
  const waiting = new Map<string, (code: string) => void>()
  tyntec.onMessage((message) => {
    const { codes: arrived } = message as { codes: [string, string][] } // its only message
    for (const [number, code] of arrived) {
      const reader = waiting.get(number)
      waiting.delete(number)
      if (reader) reader(code)
      else codes.set(number, code)
    }
  })
  return async (number) => {
    const code = codes.get(number)
    codes.delete(number)
    return code ?? new Promise((resolve) => waiting.set(number, resolve))
  }
}

async function logIn(pool: Pool, codeOf: CodeOf): Promise<void> {
  people += 1
  const number = `+491512${String(1_000_000 + people)}`
  const address = `10.${(people >> 16) & 255}.${(people >> 8) & 255}.${people & 255}`
  const jar = new Map<string, string>()
  await ask(pool, jar, 'POST', '/login/send', address, 202, { number })
  const code = await codeOf(number)
  await ask(pool, jar, 'POST', '/login/check', address, 200, { code })
  await ask(pool, jar, 'GET', '/me', address, 200)
}

async function ask(
  pool: Pool,
  jar: Map<string, string>,
  method: 'GET' | 'POST',
  path: string,
  address: string,
  expected: number,
  body?: object,
): Promise<void> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const { statusCode, headers, ...answer } = await pool.request({
    method,
    path,
    headers: {
      'x-forwarded-for': address,
      ...(cookie && { cookie }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.body.text()
  if (statusCode !== expected) throw new Error(`${path} answered ${statusCode}: ${text}`)
  for (const line of [headers['set-cookie'] ?? []].flat()) {
    const [pair = ''] = line.split(';', 1)
    const at = pair.indexOf('=')
    if (at === pair.length - 1) jar.delete(pair.slice(0, at))
    else jar.set(pair.slice(0, at), pair.slice(at + 1))
  }
}
