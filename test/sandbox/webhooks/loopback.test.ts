import { expect, test } from 'vitest'
import { isLoopback } from '../../../src/sandbox/webhooks/loopback.js'

test.each([
  'http://127.0.0.1/',
  'http://127.9.8.7:3000/hook',
  'http://2130706433/',
  'http://0x7f.1/',
  'https://localhost:3000/',
  'http://LOCALHOST/',
  'http://[::1]:3000/',
])('%s is this machine', (url) => {
  expect(isLoopback(new URL(url))).toBe(true)
})

test.each([
  'http://192.0.2.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://0.0.0.0/',
  'http://127.0.0.1.example/',
  'http://127.0.0.1@192.0.2.1/',
  'http://localhost.example/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'ftp://127.0.0.1/',
  'file://localhost/etc/passwd',
])('%s is not', (url) => {
  expect(isLoopback(new URL(url))).toBe(false)
})
