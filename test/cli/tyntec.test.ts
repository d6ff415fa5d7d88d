import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { setupSandbox } from '../sandbox/setup.js'
import { serve, serveJson } from '../tyntec/servers.js'
import { run, runJson } from './setup.js'

const number = '+12015550100'
const id = '77185196-664a-43ec-b14a-fe97036c697f'
const key = { TYNTEC_API_KEY: 'sandbox_key' }

async function setup() {
  const { sandbox } = await setupSandbox()
  const env = { TYNTEC_API_KEY: sandbox.apiKey, TYNTEC_BASE_URL: sandbox.url }
  return { sandbox, env }
}

async function fileOf(value: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'otp-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'templates.json')
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
  return file
}

describe('a code', () => {
  test('is sent, resent, tried and looked at, from the terminal alone', async () => {
    const { sandbox, env } = await setup()
    const sent = await runJson(['send', number, '--reference', 'r-1'], env)
    expect(sent).toMatchObject({
      code: 0,
      err: '',
      value: { otpStatus: 'ACTIVE', referenceId: 'r-1' },
    })
    const { otpId } = sent.value as { otpId: string }
    const code = await sandbox.waitForCode(number)
    expect(code).toHaveLength(6)
    expect(await run(['resend', otpId, '--via', 'sms'], env)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^result +sent\n/),
    })
    const wrong = code === '000000' ? '000001' : '000000'
    expect(await runJson(['check', otpId, wrong], env)).toMatchObject({
      code: 1,
      value: { result: 'wrong', otp: { attemptCount: 1 } },
    })
    const right = await run(['check', otpId], env, `${code}\n`)
    expect(right).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^result +valid\n/),
    })
    expect(await runJson(['status', otpId], env)).toMatchObject({
      code: 0,
      value: { otpId, otpStatus: 'VERIFIED', events: expect.any(Array) },
    })
    expect(await run(['status', otpId], env)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\notpStatus +VERIFIED\n[^]*\nevent 1 /),
    })
    expect(await runJson(['check', otpId, code], env)).toMatchObject({
      code: 1,
      value: { result: 'over', end: 'verified' },
    })
    expect(await run(['resend', otpId], env)).toMatchObject({ code: 1, out: 'result  over\n' })
  })

  test('that tyntec does not know is told as that', async () => {
    const { env } = await setup()
    expect(await run(['status', id], env)).toEqual({
      code: 1,
      out: '',
      err: 'tyntec knows no such OTP.\n',
    })
  })
})

test.each<[string, string, object]>([
  ['send +12015550100', 'POST /2fa/v1/otp', { otpId: id }],
  ['applications list', 'GET /2fa/v1/application/', {}],
  ['sms send +12015550100 --from A --text x', 'POST /messaging/v1/sms', { requestId: id }],
  ['chat status 77185196', 'GET /messaging/v1/chat/messages/77185196/status', {}],
])(
  '"%s" tells a failure in one line without what was sent, and ends with 1',
  async (line, request) => {
    const problem = {
      code: '1020',
      message: `Insufficient balance for ${number}\u001b[31m`,
      timestamp: 1,
    }
    const server = await serveJson(400, problem)
    const { code, out, err } = await run(line.split(' '), { ...key, TYNTEC_BASE_URL: server.url })
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(
      /^tyntec refuses .*error 1020: Insufficient balance for ….*ERR_OTP_PROVIDER_RESPONSE\)\n$/,
    )
    expect(err).not.toContain(number)
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([request])
  },
)

test('what tyntec says can not steer the terminal', async () => {
  const evil = 'x\u001b]0;owned\u0007\u202e\ny'
  const server = await serveJson(200, [
    { applicationId: id, name: evil, template: { [evil]: evil } },
  ])
  const env = { ...key, TYNTEC_BASE_URL: server.url }
  const { out } = await run(['applications', 'list'], env)
  expect(out).toContain(']0;owned')
  expect(out.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
})

describe('applications', () => {
  const application = { applicationId: id, name: 'login', attempts: 3, template: { en: '{{OTP}}' } }

  test.each<[string, string, string, object | undefined, unknown]>([
    ['list', 'GET /2fa/v1/application/', '', undefined, [application]],
    [
      'create --name login --attempts 3 --expire 300 --pin-length 6 --alphanumeric no --sender ACME',
      'POST /2fa/v1/application/',
      '',
      {
        name: 'login',
        alphanumeric: false,
        attempts: 3,
        expire: 300,
        pinLength: 6,
        sender: 'ACME',
      },
      application,
    ],
    [
      `edit ${id} --alphanumeric yes --delete-caller`,
      `POST /2fa/v1/application/${id}`,
      '?alphaNumeric=true&deleteCaller=true',
      undefined,
      application,
    ],
    [`delete ${id}`, `DELETE /2fa/v1/application/${id}`, '', undefined, application],
  ])('%s is one call', async (line, request, search, body, answer) => {
    const server = await serveJson(200, answer)
    const env = { ...key, TYNTEC_BASE_URL: server.url }
    const value = line.startsWith('delete') ? { deleted: true } : answer
    expect(await runJson(['applications', ...line.split(' ')], env)).toEqual({
      code: 0,
      err: '',
      value,
    })
    const [seen] = server.requests
    expect(`${seen?.method} ${seen?.path}`).toBe(request)
    expect(seen?.search).toBe(search)
    expect(seen?.body === '' ? undefined : JSON.parse(seen?.body ?? '')).toEqual(body)
    const { out } = await run(['applications', ...line.split(' ')], env)
    expect(out).toMatch(line.startsWith('delete') ? /^deleted +true\n$/ : /^applicationId +7718/)
  })

  test('delete tells of one that is not there', async () => {
    const server = await serveJson(404)
    const env = { ...key, TYNTEC_BASE_URL: server.url }
    expect(await run(['applications', 'delete', id], env)).toMatchObject({ code: 1 })
  })
})

describe('templates', () => {
  const good = {
    en: '{{OTP}} is your code.\n\n@login.example.com #{{OTP}}',
    'en-voice': 'Your code is: {{OTP}}.',
  }

  /** An application whose templates are kept. */
  async function serveApplication(template: Record<string, string>) {
    const server = await serve((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x')
      const [language, channel] = [searchParams.get('language'), searchParams.get('channel')]
      if (request.method === 'POST' && language) {
        template[channel === 'VOICE' ? `${language}-voice` : language] =
          searchParams.get('text') ?? ''
      }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ applicationId: id, name: 'x', sender: 'VERIFY', template }))
    })
    return { server, template, env: { ...key, TYNTEC_BASE_URL: server.url } }
  }

  test('are pulled as a file that can be pushed', async () => {
    const { env } = await serveApplication({ ...good })
    const pulled = await run(['templates', 'pull'], env)
    expect(pulled).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(pulled.out)).toEqual(good)
    const other = await serveApplication({ en: good.en })
    const args = ['templates', 'push', await fileOf(pulled.out), '--host', 'login.example.com']
    expect(await runJson(args, other.env)).toEqual({
      code: 0,
      err: '',
      value: { saved: ['en-voice'] },
    })
    expect(other.template).toEqual(good)
    expect(other.server.requests.map(({ method }) => method)).toEqual(['GET', 'POST'])
    expect(await runJson(['templates', 'push', '-'], other.env, pulled.out)).toMatchObject({
      value: { saved: [] },
    })
  })

  test('with an error are not pushed, unless that is said', async () => {
    const bad = { en: 'No code here', de: '{{OTP}}' }
    const { server, env, template } = await serveApplication({})
    const file = await fileOf(bad)
    const { code, out, err } = await run(['templates', 'push', file], env)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^error +en +no-otp-placeholder /)
    expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
    expect(await run(['templates', 'push', file, '--force'], env)).toMatchObject({ code: 0 })
    expect(template).toEqual(bad)
  })

  test('are judged one line each, from a file or from tyntec', async () => {
    const bad = { en: 'Hi {{OTP}}\n@other.example #{{OTP}}', 'de-voice': '@{{OTP}}' }
    const { env } = await serveApplication(bad)
    const host = ['--host', 'login.example.com']
    const { code, out, err } = await run(['templates', 'lint', ...host], env)
    expect([code, err]).toEqual([1, ''])
    expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['error', 'en', 'webotp-host-mismatch'],
      ['error', 'de-voice', 'voice-has-webotp'],
      [''],
    ])
    // A file needs neither key nor network.
    const file = await fileOf(bad)
    const found = await runJson(['templates', 'lint', file, ...host], {})
    expect(found).toMatchObject({ code: 1, value: [{ template: 'en' }, { template: 'de-voice' }] })
    expect(await runJson(['templates', 'lint', await fileOf(good), ...host], {})).toMatchObject({
      code: 0,
      value: [],
    })
  })

  test.each(['{', '[]', '{"en":1}', 'null'])('a file that holds %s is refused', async (text) => {
    const { code, out, err } = await run(['templates', 'lint', await fileOf(text)])
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^The file [^\n]*\n$/)
  })
})

describe('messages', () => {
  test('a text is sent from a flag or from standard input, and followed', async () => {
    const message = { requestId: id, status: 'ACCEPTED', size: 1 }
    const server = await serveJson(200, message)
    const env = { ...key, TYNTEC_BASE_URL: server.url }
    const line = [
      'sms',
      'send',
      number,
      '--from',
      'ACME',
      '--encoding',
      'gsm7',
      '--part-limit',
      '2',
    ]
    expect(await runJson([...line, '--text', 'Hello'], env)).toEqual({
      code: 0,
      err: '',
      value: message,
    })
    expect(await runJson([...line, '--validity', '5'], env, 'Hello\n')).toMatchObject({ code: 0 })
    const sent = { to: number, from: 'ACME', message: 'Hello', encoding: 'GSM7', partLimit: 2 }
    expect(server.requests.map(({ body }) => JSON.parse(body))).toEqual([
      sent,
      { ...sent, validity: '5' },
    ])
    expect(await run(['sms', 'status', id], env)).toMatchObject({
      code: 0,
      out: `requestId  ${id}\nstatus     ACCEPTED\nparts      1\n`,
    })
    const none = { ...key, TYNTEC_BASE_URL: (await serveJson(404)).url }
    expect(await run(['sms', 'status', id], none)).toMatchObject({ code: 1, out: '' })
    expect(await run(['chat', 'status', id], none)).toMatchObject({ code: 1, out: '' })
  })

  test('a chat message has the channels, and a text or a template', async () => {
    const server = await serveJson(202, { messageId: id, acceptedAt: 'now' })
    const env = { ...key, TYNTEC_BASE_URL: server.url }
    const line = [
      'chat',
      'send',
      number,
      '--from',
      'ACME',
      '--channel',
      'whatsapp',
      '--channel',
      'sms',
    ]
    expect(await runJson([...line, '--text', 'Hello'], env)).toEqual({
      code: 0,
      err: '',
      value: { messageId: id, acceptedAt: 'now' },
    })
    const template = ['--template', 'welcome', '--language', 'en', '--policy', 'fallback']
    await run([...line, ...template, '--parameter', 'a', '--parameter', 'b'], env)
    const channels = ['whatsapp', 'sms']
    expect(server.requests.map(({ body }) => JSON.parse(body))).toEqual([
      {
        to: number,
        channels,
        defaultContent: { from: 'ACME', contentType: 'text', text: 'Hello' },
      },
      {
        to: number,
        channels,
        defaultContent: {
          from: 'ACME',
          contentType: 'template',
          template: {
            templateId: 'welcome',
            language: { policy: 'fallback', code: 'en' },
            parameters: [{ default: 'a' }, { default: 'b' }],
          },
        },
      },
    ])
  })

  test('a chat message is followed, step by step when asked', async () => {
    const server = await serve((request, response) => {
      const body = request.url?.endsWith('/history')
        ? {
            messageId: id,
            history: [{ deliveryChannel: 'sms', happendAt: 'now', state: 'success' }],
          }
        : { messageId: id, status: 'delivered', deliveryChannel: 'sms' }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    const env = { ...key, TYNTEC_BASE_URL: server.url }
    expect((await run(['chat', 'status', id], env)).out).toBe(
      `messageId  ${id}\nstatus     delivered\nchannel    sms\n`,
    )
    expect((await run(['chat', 'status', id, '--history'], env)).out).toContain('now  sms  success')
    expect(server.requests).toHaveLength(3)
  })
})
