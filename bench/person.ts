import { Pool } from 'undici'
import type { Tyntec } from './processes.js'

/** What is asked of a server, step by step. */
interface Routes {
  send: { path: string; body: (number: string) => object; status: number }
  check: { path: string; body: (number: string, code: string) => object; status: number }
}

const ours: Routes = {
  send: { path: '/login/send', body: (number) => ({ number }), status: 202 },
  check: { path: '/login/check', body: (_number, code) => ({ code }), status: 200 },
}
const betterAuth: Routes = {
  send: {
    path: '/api/auth/phone-number/send-otp',
    body: (phoneNumber) => ({ phoneNumber }),
    status: 200,
  },
  check: {
    path: '/api/auth/phone-number/verify',
    body: (phoneNumber, code) => ({ phoneNumber, code }),
    status: 200,
  },
}

export type Step = 'send' | 'check' | 'me'
export type Around = (step: Step, work: () => Promise<void>) => Promise<void>

let people = 0

/** A number and an address that nobody has had yet in this run. */
export function newcomer(): { number: string; address: string } {
  people += 1
  return {
    number: `+491512${String(1_000_000 + people)}`,
    address: `10.${(people >> 16) & 255}.${(people >> 8) & 255}.${people & 255}`,
  }
}

/** Signs somebody in: a number, an address and a cookie jar of its own. */
export async function signIn(
  server: { name: string },
  pool: Pool,
  tyntec: Tyntec,
  around: Around = (_step, work) => work(),
): Promise<void> {
  const { send, check } = server.name === 'better-auth' ? betterAuth : ours
  const { number, address } = newcomer()
  const jar = new Map<string, string>()
  const post = (path: string, status: number, body: object) =>
    ask(pool, jar, { method: 'POST', path, address, status, body })
  await around('send', () => post(send.path, send.status, send.body(number)))
  const code = await tyntec.codeOf(number)
  await around('check', () => post(check.path, check.status, check.body(number, code)))
  await around('me', () => ask(pool, jar, { method: 'GET', path: '/me', address, status: 200 }))
}

interface Ask {
  method: 'GET' | 'POST'
  path: string
  address: string
  status: number
  body?: object
}

async function ask(pool: Pool, jar: Map<string, string>, asked: Ask): Promise<void> {
  const { method, path, address, status, body } = asked
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
  if (statusCode !== status) throw new Error(`${path} answered ${statusCode}: ${text}`)
  for (const line of [headers['set-cookie'] ?? []].flat()) {
    const [pair = ''] = line.split(';', 1)
    const at = pair.indexOf('=')
    if (at === pair.length - 1) jar.delete(pair.slice(0, at))
    else jar.set(pair.slice(0, at), pair.slice(at + 1))
  }
}
