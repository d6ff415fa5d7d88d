import assert from 'node:assert/strict'
import { once } from 'node:events'

const number = '+12015550100'

/** Signs in over HTTP, as a browser would, at an app that was built from the installed package. */
export async function signIn(server, sandbox) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${server.address().port}`
  const cookies = new Map()

  async function call(method, path, body) {
    const response = await fetch(base + path, {
      method,
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)
      cookies.set(name, value)
    }
    const type = response.headers.get('content-type') ?? ''
    return [response.status, type.includes('json') ? await response.json() : await response.text()]
  }

  const [sent, { status }] = await call('POST', '/login/send', { number })
  assert.deepEqual([sent, status], [202, 'sent'])
  const code = await sandbox.waitForCode(number)

  const wrong = code === '000000' ? '000001' : '000000'
  const [refused, problem] = await call('POST', '/login/check', { code: wrong })
  assert.deepEqual([refused, problem.code], [401, 'invalid_code'])
  assert.equal((await call('GET', '/me'))[0], 401)

  assert.deepEqual(await call('POST', '/login/check', { code }), [200, { status: 'verified' }])
  assert.deepEqual(await call('GET', '/me'), [200, { user: { number } }])

  server.close()
  server.closeAllConnections()
}
