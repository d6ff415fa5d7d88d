import { describe, expect, test } from 'vitest'
import { createClient, expectProblem } from './support/client.js'
import { startDemo } from './support/demo.js'
import { startRedis } from './support/redis.js'

describe.each(['express', 'koa'])('the example on %s', (framework) => {
  test('answers a body that it cannot read with a problem, which nobody keeps', async () => {
    const { url } = await startDemo(framework)
    const answer = await createClient(url).post('/login/send', undefined, { raw: '{"number":' })
    expectProblem(answer, 400, 'bad_request')
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(answer.headers).not.toHaveProperty('retry-after')
  })

  test('answers with a problem to wait for while its sessions are away', async () => {
    const redis = await startRedis()
    const { url, code } = await startDemo(framework, redis.url)
    const client = createClient(url)
    await client.post('/login/send', { number: '+12015550100' })
    expect(await client.post('/login/check', { code: await code() })).toMatchObject({ status: 200 })
    expect(await client.get('/me')).toMatchObject({ status: 200 })
    await redis.kill()
    const answer = await client.get('/me')
    expectProblem(answer, 503, 'service_unavailable', { retryAfter: 5 })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '5' })
    const page = await client.get('/login', { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect([page.status, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8'])
    expect(page.text).toContain('<h1>Service unavailable</h1>')
  })
})
