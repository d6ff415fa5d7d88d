import { describe, expect, test } from 'vitest'
import { setupSandbox } from '../setup.js'
import samples from './samples.json' with { type: 'json' }

type Sample = (typeof samples)[number]

/** What curl makes of a printed command: the method, the URL and the headers. */
function readCurl(command: string) {
  const [, method = '', url = ''] = /^curl -X (\S+) (\S+)/.exec(command) ?? []
  const headers = Object.fromEntries(
    [...command.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
  return { method, url, headers }
}

type Change = (text: string) => string

async function run(sandboxUrl: string, sample: Sample, change: Change, body?: unknown) {
  const { method, url, headers } = readCurl(change(sample.curl))
  const response = await fetch(url.replace('https://api.tyntec.com', sandboxUrl), {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text, type: response.headers.get('content-type') }
}

function expectListed({ statuses, orAnyProblem }: Sample, reply: Awaited<ReturnType<typeof run>>) {
  const problem = orAnyProblem === true && reply.type === 'application/problem+json'
  expect(problem || statuses.includes(reply.status), `${reply.status} is listed`).toBe(true)
}

const withKey: Change = (text) => text.replace('API_KEY', 'sandbox_key')

describe.each(samples.map((sample) => [sample.curl.split('\n')[0], sample] as const))(
  '%s',
  (_, sample) => {
    test('as it is printed, gets an answer that is listed', async () => {
      const { sandbox } = await setupSandbox()
      const reply = await run(sandbox.url, sample, (text) => text)
      expect(reply.status).toBe(401)
      expectListed(sample, reply)
    })

    test('with a key, gets an answer that is listed', async () => {
      const { sandbox } = await setupSandbox()
      expectListed(sample, await run(sandbox.url, sample, withKey))
      if (sample.body) expectListed(sample, await run(sandbox.url, sample, withKey, sample.body))
    })

    test('with its places filled in, succeeds', async () => {
      const { createApplication, control, sandbox, sendOtp, tyntec } = await setupSandbox()
      const to = '+12015550100'
      const { applicationId } = await createApplication()
      const { otpId } = await sendOtp()
      const json = async (path: string, body: object) =>
        (await tyntec('POST', path, {}, { body: JSON.stringify(body) })).json as Record<
          string,
          string
        >
      const sms = { to, from: 'Acme', message: 'Hello' }
      const chat = {
        to,
        channels: ['whatsapp'],
        whatsapp: { from: '4915112345678', contentType: 'text', text: 'Hello' },
      }
      const { requestId } = await json('/messaging/v1/sms', sms)
      const { messageId } = await json('/messaging/v1/chat/messages', chat)
      const media = { type: 'audio', contentType: 'audio/ogg', data: 'AAAA' }
      const received = (await control('POST', 'received', { channel: 'whatsapp', from: to, media }))
        .json as { content: { media: { mediaId: string } } }
      if (sample.operation === 'application.delete-template') {
        const query = { language: 'de', text: '{{OTP}}' }
        await tyntec('POST', `/2fa/v1/application/${applicationId}/language`, query)
      }
      const fill: Change = (text) =>
        withKey(text)
          .replace('{applicationId}', applicationId)
          .replace('{otpId}', otpId)
          .replace('{requestId}', requestId ?? '')
          .replace('{message-id}', messageId ?? '')
          .replace('{media-id}', received.content.media.mediaId)
          .replace('number=string', 'number=%2B12015550100')
          .replace('otpCode=string', 'otpCode=4242')
          .replace('language=string', 'language=de')
          .replace('text=string', 'text=%7B%7BOTP%7D%7D')
          .replace('to=string', 'to=%2B12015550100')
      const bodies: Record<string, unknown> = {
        'application.create': sample.body,
        'sms.send': sms,
        'chat.send': chat,
      }
      const body = sample.body && bodies[sample.operation]
      const reply = await run(sandbox.url, sample, fill, body)
      expect(reply.status).toBe(sample.operation === 'otp.check' ? 202 : sample.statuses[0])
      expect(sample.statuses).toContain(reply.status)
    })
  },
)

test("the reference's own Chat message is accepted", async () => {
  const { sandbox } = await setupSandbox()
  const sample = samples.find(({ operation }) => operation === 'chat.send')
  const reply = sample && (await run(sandbox.url, sample, withKey, sample.body))
  expect(reply?.status).toBe(202)
  expect(sandbox.messages()).toMatchObject([
    { channel: 'whatsapp', to: '+123234234', from: '545345345', text: 'A simple text message' },
  ])
})

test('each of the 22 operations has a sample', () => {
  expect(samples).toHaveLength(22)
})
