import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { setupSandbox } from './setup.js'

test('takes a free port, with a key that works', async () => {
  const { sandbox, send } = await setupSandbox()
  expect(sandbox.url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/)
  expect(sandbox.apiKey).toMatch(/^sandbox_/)
  expect((await send()).status).toBe(200)
})

test('rejects when the port is taken', async () => {
  const { sandbox } = await setupSandbox()
  const port = Number(new URL(sandbox.url).port)
  await expect(startSandbox({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('is not there for other machines', async () => {
  const { sandbox } = await setupSandbox()
  const others = Object.values(networkInterfaces())
    .flat()
    .flatMap((address) =>
      address?.family === 'IPv4' && !address.internal ? [address.address] : [],
    )
  // Loopback has many addresses, and the sandbox is on one: this holds without a network too.
  for (const host of [...others, '127.0.0.2']) {
    const socket = connect(Number(new URL(sandbox.url).port), host)
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  }
})

test('keeps two sandboxes apart', async () => {
  const one = await setupSandbox()
  const other = await setupSandbox()
  const { otpId } = await one.sendOtp()
  expect((await other.get(otpId)).status).toBe(404)
  expect(other.sandbox.messages()).toEqual([])
})

test('prints a line for each message', async () => {
  const lines: string[] = []
  const { send } = await setupSandbox({ print: (line) => lines.push(line) })
  await send()
  await send({ via: 'VOICE' })
  expect(lines).toEqual([
    'SMS    +12015550100  4242  (expires 5:00)',
    'VOICE  +12015550100  4242  (expires 5:00)',
  ])
})

test('can be closed twice', async () => {
  const { sandbox } = await setupSandbox()
  await sandbox.close()
  await expect(sandbox.close()).resolves.toBeUndefined()
  await expect(fetch(sandbox.url)).rejects.toThrow('fetch failed')
})

test('is closed by `await using`', async () => {
  const sandbox = await startSandbox()
  await sandbox[Symbol.asyncDispose]()
  await expect(fetch(sandbox.url)).rejects.toThrow('fetch failed')
})

test('leaves its port free again at once', async () => {
  const { sandbox } = await setupSandbox()
  const port = Number(new URL(sandbox.url).port)
  await sandbox.close()
  const server = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void server.close())
  await expect(once(server, 'listening')).resolves.toEqual([])
})
