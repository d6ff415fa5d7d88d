/**
 * What one call to tyntec costs, by HTTP client: `npx tsx bench/http-client.ts`, about 20 s.
 * The server is a process of its own, and the clients take turns in short rounds: only the ratios
 * within one run mean anything.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTyntecClient } from 'passport-tyntec-otp/tyntec'
import { Pool, fetch as undiciFetch } from 'undici'

const atOnce = 50
const rounds = 8
const callsPerRound = 1500
const path = '/2fa/v1/otp/3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b/check?otpCode=012345'
const headers = { accept: 'application/json', apikey: 'sandbox_bench' }

if (process.argv[2] === 'server') serve()
else await measure()

function serve(): void {
  const body = JSON.stringify({
    otpId: '3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b',
    otpStatus: 'VERIFIED',
    number: '+12015550100',
    attemptCount: 1,
    created: 1_700_000_000_000,
    expire: 1_700_000_300_000,
    referenceId: null,
  })
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(202, { 'content-type': 'application/json' }).end(body)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

async function measure(): Promise<void> {
  const server = fork(new URL(import.meta.url), ['server'])
  const [port] = await once(server, 'message')
  const origin = `http://127.0.0.1:${port}`
  const pool = new Pool(origin, { connections: atOnce })
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const client = createTyntecClient({ apiKey: headers.apikey, baseUrl: origin })
  const signal = () => AbortSignal.timeout(8000)

  const clients: Record<string, () => Promise<unknown>> = {
    'undici Pool.request': async () =>
      (await pool.request({ path, method: 'POST', headers })).body.json(),
    'undici Pool.request, signal': async () =>
      (await pool.request({ path, method: 'POST', headers, signal: signal() })).body.json(),
    'node:http Agent': () => overHttp(origin, agent),
    'undici fetch': async () =>
      (await undiciFetch(origin + path, { method: 'POST', headers })).json(),
    'built-in fetch': async () => (await fetch(origin + path, { method: 'POST', headers })).json(),
    'built-in fetch, signal': async () =>
      (await fetch(origin + path, { method: 'POST', headers, signal: signal() })).json(),
    'createTyntecClient (Pool.dispatch, deadline, checks)': () =>
      client.otp.check('3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b', '012345', {
        number: '+12015550100',
      }),
  }

  const results = new Map(Object.keys(clients).map((name) => [name, { cpu: [0], rate: [0] }]))
  for (const { cpu, rate } of results.values()) cpu.length = rate.length = 0
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, call] of Object.entries(clients)) {
      const started = performance.now()
      const before = process.cpuUsage()
      await many(call)
      const { user, system } = process.cpuUsage(before)
      // The first round warms up.
      if (round < 0) continue
      results.get(name)?.cpu.push((user + system) / callsPerRound)
      results.get(name)?.rate.push((callsPerRound / (performance.now() - started)) * 1000)
    }
  }

  const base = results.get('undici Pool.request')
  const baseCpu = median(base?.cpu ?? [])
  const baseRate = median(base?.rate ?? [])
  console.log(`Node ${process.version}, ${atOnce} calls at once, medians of ${rounds} rounds`)
  console.log(`${'client'.padEnd(54)}CPU µs   ÷ Pool   calls/s   ÷ Pool`)
  for (const [name, { cpu, rate }] of results) {
    const [perCall, perSecond] = [median(cpu), median(rate)]
    console.log(
      name.padEnd(54) +
        perCall.toFixed(0).padStart(6) +
        (perCall / baseCpu).toFixed(2).padStart(9) +
        perSecond.toFixed(0).padStart(10) +
        (perSecond / baseRate).toFixed(2).padStart(9),
    )
  }
  agent.destroy()
  await Promise.all([pool.close(), client.close()])
  server.kill()
}

async function many(call: () => Promise<unknown>): Promise<void> {
  let left = callsPerRound
  const worker = async () => {
    while (left > 0) {
      left -= 1
      await call()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

function overHttp(origin: string, agent: Agent): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(origin + path, { method: 'POST', headers, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end()
  })
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
