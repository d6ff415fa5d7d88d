import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/cli/connection.js'
import { createRedis } from '../support/redis.js'

/** The folder of an app that has installed one client library. */
async function folderWith(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'otp-app-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'node_modules'))
  const root = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  await symlink(root, join(folder, 'node_modules', name))
  return folder
}

test.each(['ioredis', 'redis'])('the library that the app has is used: %s', async (name) => {
  const { url, prefix } = await createRedis()
  const connection = await connect(url, await folderWith(name))
  onTestFinished(() => connection.close())
  // Only one of the two has this.
  expect(connection.client).toHaveProperty(name === 'redis' ? 'sendCommand' : 'status')
  expect(await connection.command('PING')).toBe('PONG')
  expect(await connection.command('EVAL', 'return KEYS[1]', '1', `${prefix}x`)).toBe(`${prefix}x`)
})

test.each(['ioredis', 'redis'])('%s tells that nobody is there', async (name) => {
  await expect(connect('redis://:pa55@127.0.0.1:9', await folderWith(name))).rejects.toBeInstanceOf(
    Error,
  )
})

test.each(['', 'localhost:6379', 'http://localhost'])('the address %j is none', async (url) => {
  await expect(connect(url)).rejects.toMatchObject({ name: 'UsageError' })
})
