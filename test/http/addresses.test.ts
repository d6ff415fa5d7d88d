import { describe, expect, test } from 'vitest'
import { frameworks, setupApp } from '../support/app.js'

describe.each(frameworks)('the address that a trusted proxy writes, on %s,', (framework) => {
  // proves: NET-2
  test('is the same with any port, and another for anybody else', async () => {
    const limits = { sendsPerAddress: { points: 1, duration: 600 } }
    const app = await setupApp({ framework, trustProxy: 1, flow: { limits } })
    let person = 0
    const send = async (address: string) => {
      person += 1
      const headers = { 'x-forwarded-for': `6.6.6.6, ${address}` }
      const body = { number: `+1201555${String(2000 + person)}` }
      return (await app.client().post('/login/send', body, { headers })).status
    }
    expect(await send('203.0.113.7:40001')).toBe(202)
    expect(await send('203.0.113.7:40002')).toBe(429)
    expect(await send('203.0.113.7')).toBe(429)
    expect(await send('[::ffff:203.0.113.7]:40003')).toBe(429)
    expect(await send('203.0.113.8:40001')).toBe(202)
    expect(await send('[2001:db8:1:2::1]:40001')).toBe(202)
    expect(await send('[2001:db8:1:2::2]:40002')).toBe(429)
    expect(await send('2001:db8:1:2::3')).toBe(429)
    expect(await send('[2001:db8:1:3::1]:40001')).toBe(202)
  })
})
