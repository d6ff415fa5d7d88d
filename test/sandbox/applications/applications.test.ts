import { describe, expect, test } from 'vitest'
import { toApplicationEntity } from '../../../src/sandbox/applications/applications.js'
import { setupSandbox } from '../setup.js'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const unknownId = '00000000-0000-4000-8000-000000000000'
const ordinary = '+12015551234'

type Entity = ReturnType<typeof toApplicationEntity>

describe('the default application', () => {
  test("is there from the start, with tyntec's settings", async () => {
    const { application } = await setupSandbox()
    const { status, json } = await application('GET', '/')
    expect(status).toBe(200)
    expect(json).toEqual([
      {
        accountId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        alphanumeric: false,
        applicationId: expect.stringMatching(uuid),
        attempts: 3,
        caller: 'VERIFY',
        created: expect.any(Number),
        expire: 300,
        name: 'default',
        pinLength: 4,
        sender: 'VERIFY',
        template: {
          en: 'OTP code: {{OTP}}. Valid for {{SEC}} seconds.',
          'en-voice': expect.stringContaining('{{OTP}}'),
        },
      },
    ])
  })

  test('is found as `default` and by its id, without a slash at the end too', async () => {
    const { application, sendOtp } = await setupSandbox()
    const [entity] = (await application('GET')).json as Entity[]
    expect((await application('GET', '/default')).json).toEqual(entity)
    expect((await application('GET', `/${entity?.applicationId}`)).json).toEqual(entity)
    const applicationId = entity?.applicationId
    expect(await sendOtp()).toMatchObject({ applicationId })
    expect(await sendOtp({ applicationId: 'default' })).toMatchObject({ applicationId })
  })

  test('has the same id after each start, and another for another key', async () => {
    const [one, two] = [await setupSandbox(), await setupSandbox()]
    const first = await one.sendOtp()
    expect((await two.sendOtp()).applicationId).toBe(first.applicationId)
    const other = await one.tyntec(
      'GET',
      '/2fa/v1/application',
      {},
      {
        headers: { apikey: 'sandbox_other' },
      },
    )
    expect((other.json as Entity[])[0]?.applicationId).not.toBe(first.applicationId)
  })

  test('changes what a send without an application does', async () => {
    const { application, sandbox, send } = await setupSandbox()
    expect((await application('POST', '/default', { pinLength: '8', sender: 'Acme' })).status).toBe(
      200,
    )
    await send()
    expect(sandbox.messages()).toMatchObject([{ code: '42424242', from: 'Acme' }])
  })

  test('can be neither deleted nor renamed', async () => {
    const { application, sendOtp } = await setupSandbox()
    expect(await application('DELETE', '/default')).toMatchObject({ status: 403, text: '' })
    expect((await application('POST', '/default', { name: 'other' })).status).toBe(400)
    await sendOtp()
  })
})

describe('create', () => {
  test('fills what is left out with defaults', async () => {
    const { application } = await setupSandbox()
    const { status, json } = await application('POST', '/', {}, { name: 'Login', expire: 60 })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      applicationId: expect.stringMatching(uuid),
      name: 'Login',
      expire: 60,
      attempts: 3,
      alphanumeric: false,
      pinLength: 4,
      sender: 'VERIFY',
    })
    expect((await application('GET')).json).toHaveLength(2)
  })

  test('takes no body at all', async () => {
    const { application } = await setupSandbox()
    const { status, json } = await application('POST', '/')
    expect(status).toBe(200)
    expect(json).toMatchObject({ name: expect.stringMatching(/./), pinLength: 4 })
  })

  test.each([
    [{ pinLength: 3 }, '1006'],
    [{ pinLength: 11 }, '1006'],
    [{ pinLength: '6' }, '1006'],
    [{ expire: 29 }, '1008'],
    [{ expire: 7201 }, '1008'],
    [{ expire: null, pinLength: 99 }, '1006'],
    [{ name: 'default' }, '1017'],
    [{ name: '' }, '400'],
    [{ attempts: 0 }, '400'],
    [{ attempts: 1.5 }, '400'],
    [{ alphanumeric: 'yes' }, '400'],
    [{ sender: 'TwelveLetter' }, '400'],
    [{ pinlength: 6 }, '400'],
    [[], '400'],
  ])('refuses %j with code %s', async (body, code) => {
    const { application } = await setupSandbox()
    expect(await application('POST', '/', {}, body)).toMatchObject({
      status: 400,
      json: { code, message: expect.any(String), timestamp: expect.any(Number) },
    })
    expect((await application('GET')).json).toHaveLength(1)
  })

  test('refuses what is not JSON', async () => {
    const { tyntec } = await setupSandbox()
    expect((await tyntec('POST', '/2fa/v1/application', {}, { body: '{' })).status).toBe(400)
  })
})

describe('settings', () => {
  test('decide on attempts', async () => {
    const { check, createApplication, sendOtp } = await setupSandbox()
    const { applicationId } = await createApplication({ attempts: 2 })
    const { otpId } = await sendOtp({ applicationId })
    expect((await check(otpId, '0000')).status).toBe(401)
    expect((await check(otpId, '0000')).status).toBe(403)
  })

  test('decide on the validity, and the {{SEC}} that is told', async () => {
    const { advance, check, createApplication, sandbox, sendOtp } = await setupSandbox()
    const { applicationId } = await createApplication({ expire: 60 })
    const otp = await sendOtp({ applicationId })
    expect(otp.expire - otp.created).toBe(60_000)
    expect(sandbox.messages()[0]?.text).toContain('60 seconds')
    await advance(60)
    expect((await check(otp.otpId, '4242')).json).toMatchObject({ otpStatus: 'EXPIRED' })
  })

  test('decide on the code', async () => {
    const { createApplication, sandbox, send } = await setupSandbox()
    const { applicationId } = await createApplication({ alphanumeric: true, pinLength: 8 })
    for (let count = 0; count < 20; count += 1) await send({ applicationId, number: ordinary })
    await send({ applicationId, number: ordinary, pinLength: '5' })
    const codes = sandbox.messages().map(({ code }) => code)
    expect(codes.pop()).toMatch(/^[a-z0-9]{5}$/)
    for (const code of codes) expect(code).toMatch(/^[a-z0-9]{8}$/)
    expect(codes.join('')).toMatch(/[a-z]/)
  })

  test('decide on sender and caller, which a send may override', async () => {
    const { createApplication, resend, sandbox, sendOtp } = await setupSandbox()
    const settings = { sender: 'Acme', caller: '+12015550000' }
    const { applicationId } = await createApplication(settings)
    const { otpId } = await sendOtp({ applicationId, via: 'SMS' })
    await resend(otpId, { via: 'VOICE' })
    await sendOtp({ applicationId, via: 'SMS', sender: 'Other' })
    expect(sandbox.messages().map(({ from }) => from)).toEqual(['Acme', '+12015550000', 'Other'])
  })

  test('are edited by the query, for later sends', async () => {
    const { application, check, createApplication, sandbox, sendOtp } = await setupSandbox()
    const { applicationId } = await createApplication({ name: 'Login' })
    const before = await sendOtp({ applicationId })
    const edited = await application('POST', `/${applicationId}`, {
      name: 'Other',
      pinLength: '6',
      alphaNumeric: 'true',
      attempts: '1',
      expire: '90',
      sender: 'Acme',
      deleteCaller: 'true',
    })
    expect(edited).toMatchObject({
      status: 200,
      json: {
        applicationId,
        name: 'Other',
        pinLength: 6,
        alphanumeric: true,
        attempts: 1,
        expire: 90,
        sender: 'Acme',
        caller: null,
      },
    })
    expect((await application('GET', `/${applicationId}`)).json).toEqual(edited.json)
    expect((await check(before.otpId, '0000')).status).toBe(401)
    const after = await sendOtp({ applicationId, via: 'VOICE' })
    expect(sandbox.messages().at(-1)).toMatchObject({ code: '424242', from: 'Anonymous' })
    expect((await check(after.otpId, '0000')).status).toBe(403)
  })

  test.each<[Record<string, string>, string]>([
    [{ pinLength: '3' }, '1006'],
    [{ expire: '10' }, '1008'],
    [{ name: 'default' }, '1017'],
    [{ attempts: 'x' }, '400'],
    [{ alphaNumeric: 'maybe' }, '400'],
    [{ deleteCaller: 'maybe' }, '400'],
    [{ alphanumeric: 'true' }, '400'],
  ])('are not edited with %j', async (query, code) => {
    const { application, createApplication } = await setupSandbox()
    const entity = await createApplication()
    const path = `/${entity.applicationId}`
    expect(await application('POST', path, query)).toMatchObject({ status: 400, json: { code } })
    expect((await application('GET', path)).json).toEqual(entity)
  })
})

describe('templates', () => {
  const german = '{{OTP}} ist Ihr Code ({{OTP}}, {{SEC}} s).'

  test('are chosen by language, and filled at every placeholder', async () => {
    const { application, createApplication, sandbox, send } = await setupSandbox()
    const { applicationId } = await createApplication()
    const path = `/${applicationId}/language`
    expect(await application('POST', path, { language: 'de', text: german })).toMatchObject({
      status: 200,
      json: { template: { de: german } },
    })
    await send({ applicationId, language: 'de' })
    await send({ applicationId, language: 'DE' })
    await send({ applicationId, language: 'fr' })
    await send({ applicationId })
    expect(sandbox.messages().map(({ text }) => text)).toEqual([
      '4242 ist Ihr Code (4242, 300 s).',
      '4242 ist Ihr Code (4242, 300 s).',
      'OTP code: 4242. Valid for 300 seconds.',
      'OTP code: 4242. Valid for 300 seconds.',
    ])
  })

  test('are chosen by the country of the number when no language is asked for', async () => {
    const { application, sandbox, send } = await setupSandbox()
    await application('POST', '/default/language', { language: 'de', text: german })
    for (const number of ['+4915112345678', '+436641234567', '+33612345678', '+12015550100']) {
      await send({ number, otpCode: '424242' })
    }
    await send({ number: '+4915112345678', otpCode: '424242', language: 'en' })
    expect(sandbox.messages().map(({ text }) => text.startsWith('424242 ist'))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  test('are chosen by channel, and a template without one is for both', async () => {
    const { application, sandbox, send } = await setupSandbox()
    const path = '/default/language'
    const set = (language: string, text: string, channel?: string) =>
      application('POST', path, { language, text, ...(channel && { channel }) })
    await set('de', 'Beide {{OTP}}')
    await set('es', 'SMS {{OTP}}', 'SMS')
    await set('es', 'Voz {{OTP}}', 'VOICE')
    await set('it', 'Voce {{OTP}}', 'VOICE')
    const texts: Record<string, string[]> = {}
    for (const language of ['de', 'es', 'it', 'fr']) {
      for (const via of ['SMS', 'VOICE']) await send({ language, via })
      texts[language] = sandbox
        .messages()
        .slice(-2)
        .map(({ text }) => text)
    }
    const english = [
      'OTP code: 4242. Valid for 300 seconds.',
      'Your code is: 4242. Once more, your code is: 4242.',
    ]
    expect(texts).toEqual({
      de: ['Beide 4242', 'Beide 4242'],
      es: ['SMS 4242', 'Voz 4242'],
      it: [english[0], 'Voce 4242'],
      fr: english,
    })
  })

  test('are replaced, and deleted again', async () => {
    const { application } = await setupSandbox()
    const path = '/default/language'
    await application('POST', path, { language: 'de', text: german })
    await application('POST', path, { language: 'de', text: 'Neu {{OTP}}' })
    await application('POST', path, { language: 'de', text: 'Ruf {{OTP}}', channel: 'VOICE' })
    const channel = { language: 'de', channel: 'VOICE' }
    const { json } = await application('DELETE', path, { language: 'de' })
    expect(json).toMatchObject({ template: { 'de-voice': 'Ruf {{OTP}}' } })
    expect(json).not.toMatchObject({ template: { de: expect.any(String) } })
    expect((await application('DELETE', path, channel)).status).toBe(200)
    expect(await application('DELETE', path, channel)).toMatchObject({ status: 404, text: '' })
  })

  test.each<[string, Record<string, string>]>([
    ['POST', { language: 'de', text: 'Kein Platz' }],
    ['POST', { language: 'de' }],
    ['POST', { text: german }],
    ['POST', { language: 'deutsch', text: german }],
    ['POST', { language: 'de', text: german, channel: 'FAX' }],
    ['DELETE', {}],
    ['DELETE', { language: 'en' }],
    ['DELETE', { language: 'de', text: german }],
  ])('%s with %j is refused with 400', async (method, query) => {
    const { application } = await setupSandbox()
    const before = (await application('GET')).json
    expect(await application(method, '/default/language', query)).toMatchObject({
      status: 400,
      json: { code: '400' },
    })
    expect((await application('GET')).json).toEqual(before)
  })
})

describe('delete', () => {
  test('leaves OTPs that can be read, but neither sent again nor checked', async () => {
    const { application, check, createApplication, get, resend, sandbox, sendOtp } =
      await setupSandbox()
    const entity = await createApplication()
    const otp = await sendOtp({ applicationId: entity.applicationId })
    const path = `/${entity.applicationId}`
    expect(await application('DELETE', path)).toMatchObject({ status: 200, json: entity })

    expect(await get(otp.otpId)).toMatchObject({ status: 200, json: otp })
    expect((await resend(otp.otpId)).status).toBe(404)
    expect(await check(otp.otpId, '4242')).toMatchObject({ status: 404, text: '' })
    expect((await get(otp.otpId)).json).toMatchObject({ otpStatus: 'ACTIVE', attemptCount: 0 })
    expect(sandbox.messages()).toHaveLength(1)
    expect(sandbox.otps()).toMatchObject([{ application: { deleted: true } }])
    expect(sandbox.otps()[0]?.timeline.at(-1)?.type).toBe('application-deleted')
  })

  test('makes the id unknown', async () => {
    const { application, createApplication, send } = await setupSandbox()
    const { applicationId } = await createApplication()
    await application('DELETE', `/${applicationId}`)
    expect(await application('GET', `/${applicationId}`)).toMatchObject({ status: 404, text: '' })
    expect((await send({ applicationId })).status).toBe(404)
  })
})

describe('an unknown id', () => {
  test.each([
    ['GET', '', {}, ''],
    ['POST', '', { name: 'x' }, 'error'],
    ['DELETE', '', {}, 'error'],
    ['POST', '/language', { language: 'de', text: '{{OTP}}' }, 'error'],
    ['DELETE', '/language', { language: 'de' }, ''],
  ])('%s %s is 404, with the body that the reference lists', async (method, rest, query, body) => {
    const { application } = await setupSandbox()
    const reply = await application(method, `/${unknownId}${rest}`, query)
    expect(reply.status).toBe(404)
    if (body === '') expect(reply.text).toBe('')
    else expect(reply.json).toMatchObject({ code: '404', message: expect.any(String) })
  })

  test("is another key's application too", async () => {
    const { createApplication, tyntec } = await setupSandbox()
    const { applicationId } = await createApplication()
    const headers = { apikey: 'sandbox_other' }
    const path = `/2fa/v1/application/${applicationId}`
    expect((await tyntec('GET', path, {}, { headers })).status).toBe(404)
    expect((await tyntec('DELETE', path, {}, { headers })).status).toBe(404)
  })
})

describe('the named application', () => {
  const application = 'acbd18db-4cc2-485c-adef-654fccc4a4d8'

  test('is there for each key, and after a reset', async () => {
    const box = await setupSandbox({ application })
    for (const apikey of ['sandbox_a', 'sandbox_b']) {
      const query = { number: ordinary, applicationId: application }
      const reply = await box.api('POST', '', query, { headers: { apikey } })
      expect(reply).toMatchObject({ status: 200, json: { applicationId: application } })
    }
    await box.application('DELETE', `/${application}`)
    expect((await box.send({ applicationId: application })).status).toBe(404)
    box.sandbox.reset()
    expect((await box.send({ applicationId: application })).status).toBe(200)
  })

  test('is named by SANDBOX_APPLICATION', async () => {
    process.env.SANDBOX_APPLICATION = application
    try {
      const { send } = await setupSandbox()
      expect((await send({ applicationId: application })).status).toBe(200)
    } finally {
      delete process.env.SANDBOX_APPLICATION
    }
  })
})
