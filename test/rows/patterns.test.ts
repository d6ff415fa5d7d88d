import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createOtpFlow, memoryStore } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import ts from 'typescript'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { listen, requestsOf } from '../support/app.js'
import { createClient } from '../support/client.js'

/** What requests and tyntec's answers go through: the sandbox and the command line are not in it. */
const folders = ['src', 'adapters'].map((name) =>
  fileURLToPath(new URL(`../../${name}`, import.meta.url)),
)

/** Every regular expression of the package, as its source has it. */
function patterns(): { where: string; pattern: RegExp }[] {
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/^(?:sandbox|cli)\b/.test(file))
      .map((file) => join(folder, file)),
  )
  return files.flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
    const found: { where: string; pattern: RegExp }[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const [, body = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? []
        found.push({ where: `${file} ${node.text}`, pattern: new RegExp(body, flags) })
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
    return found
  })
}

/** Texts that drive a pattern with two ways to match the same sign into all of them. */
function* hostileTexts(pattern: RegExp, length: number): Generator<string> {
  const signs = new Set([
    ...' -.0a_A%/;:,="\\\n(+@<',
    ...pattern.source.replace(/[^\w;:,./@ -]/g, ''),
  ])
  for (const sign of signs) {
    const long = sign.repeat(length)
    yield long
    yield `${long}\u0000`
    yield `x${long}\u0000`
    yield `+${long}!`
  }
  const words = pattern.source.match(/[a-z]{3,}|[A-Z]{3,}/g) ?? []
  for (const word of new Set(words)) {
    yield word.repeat(Math.ceil(length / word.length))
    yield `${word} `.repeat(Math.ceil(length / word.length))
    yield `${word}${' '.repeat(length)}\u0000`
    yield `${word}/${'a'.repeat(length)}\u0000`
  }
  for (const pair of [
    'a.',
    '1 ',
    ' 1',
    '0-',
    'a;',
    'a=',
    '::',
    '1:',
    ', ',
    '. ',
    '\r\n',
    'a+',
    '%2',
  ]) {
    yield `${pair.repeat(length / 2)}\u0000`
  }
}

/** These look at nothing but an option of the app: where they stand, and how they begin. */
const ofOperators = [
  '/src/tyntec/options.ts /\\/+$/',
  '/src/validate.ts /(change|replace)[-_ ]?(me',
]

const length = 10_000
/** One pass takes a hundredth of this, 10,000 of them several times as much. */
const allowed = 10

/** Whether it takes too long each time: others use the machine too. */
function isSlow(pattern: RegExp, text: string): boolean {
  for (let tries = 0; tries < 5; tries++) {
    const started = performance.now()
    text.replace(pattern, '')
    if (performance.now() - started < allowed) return false
  }
  return true
}

// proves: IN-4
test('no pattern takes more than linear time', { timeout: 60_000 }, () => {
  const all = patterns()
  expect(all.length).toBeGreaterThan(30)
  const ofRequests = all.filter(({ where }) => !ofOperators.some((each) => where.includes(each)))
  const slow = ofRequests.flatMap(({ where, pattern }) =>
    [...hostileTexts(pattern, length)]
      .filter((text) => isSlow(pattern, text))
      .map((text) => `${where}: ${text.slice(0, 8)}…${text.slice(-3)}`),
  )
  expect(slow).toEqual([])
})

// Quadratic. Worse ones would not come to an end here.
test.each([/\s*;$/, / +\.$/, /[\w.]+@$/])('that would find %s', (pattern) => {
  expect([...hostileTexts(pattern, length)].some((text) => isSlow(pattern, text))).toBe(true)
})

// proves: IN-3
test('a field of a megabyte is refused before anything looks at it', async () => {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const flow = createOtpFlow({
    apiKey: sandbox.apiKey,
    baseUrl: sandbox.url,
    secret: 'the secret of the tests, longer than 32 bytes',
    countries: ['US'],
    store: memoryStore(),
    binding: 'token',
  })
  onTestFinished(() => flow.drain())
  // An app that reads much larger bodies than it should.
  const app = express()
  app.use(express.json({ limit: '8mb' }), express.urlencoded({ extended: false, limit: '8mb' }))
  app.use('/login', onExpress.otpRouter(flow, { onVerified: () => {} }))
  const client = createClient(await listen(app))
  const good = { number: '+12015550100', code: '424242' }
  for (const sign of ['1', ' ', '(', 'a', '+', '-', '\u0660', '\u0000']) {
    const long = sign.repeat(1_000_000)
    for (const name of ['number', 'country', 'via', 'language']) {
      const { status } = await client.post('/login/send', { ...good, [name]: long })
      expect([name, sign, status]).toEqual([name, sign, 400])
    }
    expect((await client.post('/login/check', { code: long })).status).toBe(400)
    expect((await client.post('/login/check', { ...good, flow: long })).status).toBe(409)
    expect((await client.submit('/login/send', { number: long })).status).toBe(400)
  }
  expect(await requestsOf(sandbox)).toEqual([])
})
