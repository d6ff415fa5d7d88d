import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
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
  '/src/setup/look.ts /(change|replace)[-_ ]?(me',
]

const length = 10_000
/** Milliseconds. One pass takes a hundredth of this, 10,000 of them several times as much. */
const allowed = 10
/** Milliseconds for all texts of a pattern. One that is not linear may not come to an end at all. */
const patience = 4_000

interface Task {
  source: string
  flags: string
  texts: string[]
}

/*
 * Runs in a thread of its own, which can be ended in the middle of a pattern. A pattern is slow that takes
 * too long each time: others use the machine too.
 */
const watched = `
const { parentPort } = require('node:worker_threads')
parentPort.on('message', ({ source, flags, texts }) => {
  const pattern = new RegExp(source, flags)
  const isSlow = (text) => {
    for (let tries = 0; tries < 5; tries++) {
      const started = performance.now()
      text.replace(pattern, '')
      if (performance.now() - started < ${allowed}) return false
    }
    return true
  }
  const slow = texts.find(isSlow)
  parentPort.postMessage(slow && slow.slice(0, 8) + '…' + slow.slice(-3))
})
`

/** A text that each pattern is slow with, if any. A thread that does not answer is ended and made anew. */
async function findSlow(patterns: readonly RegExp[]): Promise<(string | undefined)[]> {
  let worker = await startWatched()
  const slow: (string | undefined)[] = []
  for (const pattern of patterns) {
    const { source, flags } = pattern
    const task: Task = { source, flags, texts: [...hostileTexts(pattern, length)] }
    worker.postMessage(task, [])
    const answer = once(worker, 'message') as Promise<[string | undefined]> // what `watched` posts
    const [text] = await Promise.race([answer, setTimeout(patience, [endless])])
    slow.push(text)
    if (text !== endless) continue
    await worker.terminate()
    worker = await startWatched()
  }
  await worker.terminate()
  return slow
}

const endless = 'it does not come to an end'

async function startWatched(): Promise<Worker> {
  const worker = new Worker(watched, { eval: true })
  await once(worker, 'online')
  return worker
}

// proves: IN-4
test('no pattern takes more than linear time', { timeout: 60_000 }, async () => {
  const all = patterns()
  expect(all.length).toBeGreaterThan(30)
  const ofRequests = all.filter(({ where }) => !ofOperators.some((each) => where.includes(each)))
  const found = await findSlow(ofRequests.map(({ pattern }) => pattern))
  const slow = found.flatMap((text, index) => text && `${ofRequests[index]?.where}: ${text}`)
  expect(slow.filter((each) => each !== undefined)).toEqual([])
})

test('it would find those that are quadratic', { timeout: 60_000 }, async () => {
  const found = await findSlow([/\s*;$/, / +\.$/, /[\w.]+@$/, /^[0-9]+$/])
  expect(found).toEqual([expect.any(String), expect.any(String), expect.any(String), undefined])
})

test('it would find one that is exponential, and end', { timeout: 60_000 }, async () => {
  expect(await findSlow([/^(a+)+$/, /^[0-9]+$/])).toEqual([endless, undefined])
})

// proves: IN-3
test(
  'a field of a megabyte is refused before anything looks at it',
  { timeout: 60_000 },
  async () => {
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
  },
)
