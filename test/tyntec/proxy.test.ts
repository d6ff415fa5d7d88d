import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTyntecClient } from 'passport-tyntec-otp/tyntec'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { closedPort, serveJson, serveProxy, serveSelfSigned } from './servers.js'
import { apiKey, failureOf, number, otp, otpId, setupClient } from './setup.js'

const baseUrl = 'https://tyntec.example'
const names = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY']

function setEnvironment(values: Record<string, string>) {
  for (const name of names) vi.stubEnv(name, values[name])
}

/** A process that trusts the certificate, which can only be told to one that begins. */
async function readThrough(proxy: string, cert: string) {
  const folder = await mkdtemp(join(tmpdir(), 'otp-proxy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  await writeFile(file, cert)
  const program = `
    import { createTyntecClient } from 'passport-tyntec-otp/tyntec'
    const client = createTyntecClient({ apiKey: '${apiKey}', baseUrl: '${baseUrl}' })
    const otp = await client.otp.read('${otpId}')
    await client.close()
    process.stdout.write(JSON.stringify(otp))
  `
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    {
      env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: file, HTTPS_PROXY: proxy },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  expect((await once(child, 'close'))[0]).toBe(0)
  return JSON.parse(printed) as unknown
}

describe('a proxy that the environment names', () => {
  // proves: UP-14
  test('is asked for a tunnel, and sees neither the key nor what is said', async () => {
    const body = JSON.stringify(otp)
    const tyntec = await serveSelfSigned(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    const proxy = await serveProxy(tyntec.port)
    const url = proxy.url.replace('//', '//user:pa%24s@')
    expect(await readThrough(url, tyntec.cert)).toMatchObject({ otpId })
    expect(tyntec.requests.join()).toContain(`GET /2fa/v1/otp/${otpId}`)
    expect(proxy.requests).toHaveLength(1)
    expect(proxy.requests[0]).toMatch(/^CONNECT tyntec\.example:443 HTTP\/1\.1\r\n/)
    const authorization = Buffer.from('user:pa$s').toString('base64')
    expect(proxy.requests[0]).toContain(`proxy-authorization: Basic ${authorization}`)
    expect(proxy.requests.join()).not.toContain(apiKey)
  }, 30_000)

  // proves: UP-3
  test.each(['https_proxy', 'HTTPS_PROXY'])(
    'in %s does not weaken what is asked of a certificate',
    async (name) => {
      const tyntec = await serveSelfSigned()
      const proxy = await serveProxy(tyntec.port)
      setEnvironment({ [name]: proxy.url })
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      const client = setupClient(baseUrl)
      expect(await failureOf(client.otp.send({ number }))).toMatchObject({
        code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
        processed: 'no',
        cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      })
      expect(proxy.requests).toHaveLength(1)
      expect(tyntec.requests).toEqual([])
    },
  )

  test.each([
    ['NO_PROXY names the host', { NO_PROXY: 'localhost,tyntec.example' }, {}],
    ['no_proxy names its domain', { no_proxy: '.example' }, {}],
    ['the client has proxy: false', {}, { proxy: false }],
  ])('is left aside when %s', async (_, environment, options) => {
    const proxy = await serveProxy(await closedPort())
    setEnvironment({ HTTPS_PROXY: proxy.url, ...environment })
    const client = setupClient(baseUrl, { connectTimeout: 0.5, timeout: 2, ...options })
    expect(await failureOf(client.otp.read(otpId))).toMatchObject({ processed: 'no' })
    expect(proxy.requests).toEqual([])
  })

  test('is never asked for loopback, nor one that is named for http alone', async () => {
    const proxy = await serveProxy(await closedPort())
    setEnvironment({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url })
    const server = await serveJson(200, otp)
    expect(await setupClient(server.url).otp.read(otpId)).toMatchObject({ otpId })
    const secure = setupClient(`https://127.0.0.1:${await closedPort()}`)
    expect(await failureOf(secure.otp.read(otpId))).toMatchObject({
      cause: { code: 'ECONNREFUSED' },
    })
    setEnvironment({ HTTP_PROXY: proxy.url })
    const client = setupClient(baseUrl, { connectTimeout: 0.5, timeout: 2 })
    expect(await failureOf(client.otp.read(otpId))).toMatchObject({ processed: 'no' })
    expect(proxy.requests).toEqual([])
  })

  test('is asked whatever HTTP_PROXY says', async () => {
    const proxy = await serveProxy(await closedPort())
    setEnvironment({ HTTPS_PROXY: proxy.url, HTTP_PROXY: 'not a URL' })
    const client = setupClient(baseUrl, { timeout: 2 })
    expect(await failureOf(client.otp.send({ number }))).toMatchObject({ processed: 'no' })
    expect(proxy.requests).toHaveLength(1)
  })

  test('may refuse the tunnel, hang or be down, and nothing is sent nor shown', async () => {
    const tyntec = await serveSelfSigned()
    const refusing = await serveProxy(tyntec.port, 'HTTP/1.1 407 Proxy Authentication Required')
    const hanging = await serveProxy(tyntec.port, 'HTTP/1.1 100 Continue')
    const down = `http://127.0.0.1:${await closedPort()}`
    for (const url of [refusing.url, hanging.url, down]) {
      setEnvironment({ HTTPS_PROXY: url.replace('//', '//user:secret-7@') })
      const error = await failureOf(setupClient(baseUrl, { timeout: 0.5 }).otp.send({ number }))
      expect(error).toMatchObject({ code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'no' })
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-7')
    }
    expect(tyntec.requests).toEqual([])
  })

  test.each(['proxy.example:3128', 'socks5://user:secret-7@proxy.example', 'http://'])(
    'has to have a URL, and %j is shown to nobody',
    (url) => {
      setEnvironment({ HTTPS_PROXY: url })
      const create = () => createTyntecClient({ apiKey, baseUrl })
      expect(create).toThrow(expect.objectContaining({ code: 'ERR_OTP_OPTIONS' }))
      expect(create).not.toThrow(/secret-7/)
      expect(createTyntecClient({ apiKey, baseUrl, proxy: false })).toHaveProperty('otp')
    },
  )
})
