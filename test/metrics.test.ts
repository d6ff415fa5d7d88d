import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test } from 'vitest'
import type { OtpMeter } from '../src/metrics.js'
import { namesIn, tableOf } from './support/events.js'
import { failure, number, numbers, rightCode, sendCode, setupFlow, signIn } from './support/flow.js'

/** A meter of OpenTelemetry's SDK, and all that is in its registry. */
function createMeter() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  const dump = async () => {
    exporter.reset()
    await provider.forceFlush()
    const instruments = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
    return instruments.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({
        name: descriptor.name,
        unit: descriptor.unit,
        attributes: attributes as Record<string, string>,
        value,
      })),
    )
  }
  return {
    meter: provider.getMeter('passport-tyntec-otp'),
    dump,
    /** The counts of one instrument, by its attributes. */
    async counts(name: string) {
      const points = (await dump()).filter((point) => point.name === `tyntec.otp.${name}`)
      return Object.fromEntries(
        points.map(({ attributes, value }) => [
          Object.values(attributes).join(' '),
          typeof value === 'number' ? value : value.count,
        ]),
      )
    },
  }
}

const quiet = { validate: false } as const

test('what is sent, checked and signed in is counted by country, channel and result', async () => {
  const { meter, counts, dump } = createMeter()
  const setup = await setupFlow('memory', { ...quiet, meter, voice: true })
  const handle = await sendCode(setup)
  await setup.advance(31)
  await setup.flow.resend({ handle, via: 'voice' })
  await setup.flow.check({ handle, code: '111111' })
  await signIn(setup.flow, handle)
  await sendCode(setup, { number: '+4915123456789' })
  await setup.flow.check({ handle: undefined, code: rightCode })
  await setup.fault({ operation: 'otp.send', kind: 'reset', when: 'after', times: 1 })
  await setup.fault({ operation: 'otp.list', kind: 'status', status: 500, when: 'before' })
  await setup.flow.send({ number: numbers[1] })

  expect(await counts('sends')).toEqual({
    'US sms sent': 1,
    'US voice resent': 1,
    'DE sms sent': 1,
    'US sms unconfirmed': 1,
  })
  expect(await counts('verified')).toEqual({ 'US voice': 1 })
  expect(await counts('checks')).toEqual({ invalid_code: 1, verified: 1, no_pending_code: 1 })
  expect(await counts('refused')).toEqual({ 'check no_handle': 1 })
  expect(await counts('duration')).toEqual({
    'send sent': 2,
    'send unconfirmed': 1,
    'resend sent': 1,
    'check invalid_code': 1,
    'check verified': 1,
    'check no_pending_code': 1,
    'complete done': 1,
  })
  const duration = (await dump()).find(({ name }) => name === 'tyntec.otp.duration')
  expect(duration).toMatchObject({
    unit: 's',
    value: { sum: expect.any(Number), buckets: { boundaries: expect.arrayContaining([0.1, 10]) } },
  })
})

// proves: FAIL-6
test('what limits, budget and outages have refused is counted', async () => {
  const { meter, counts } = createMeter()
  const limits = { sendsPerNumber: [{ points: 1, duration: 600 }] }
  const setup = await setupFlow('memory', {
    ...quiet,
    meter,
    limits,
    resendWaits: [1],
    budget: { perHour: 2 },
  })
  await sendCode(setup)
  await setup.advance(2)
  await setup.flow.send({ number })
  await sendCode(setup, { number: numbers[1] })
  await failure(setup.flow.send({ number: numbers[2] }))
  await failure(setup.flow.send({ number: numbers[3] }))
  await setup.fault({ operation: '*', kind: 'status', status: 401, when: 'before' })
  const other = setup.another({ budget: { perHour: 300 } })
  await failure(other.send({ number: numbers[4] }))
  expect(await counts('limited')).toEqual({ sends_per_number: 1, budget: 2 })
  expect(await counts('duration')).toEqual({
    'send sent': 2,
    'send rate_limited': 1,
    'send ERR_OTP_BUDGET': 2,
    'send ERR_OTP_PROVIDER_AUTH': 1,
  })
})

// proves: LOG-6
test('every attribute has one of few values, whatever people send', async () => {
  const { meter, dump } = createMeter()
  const setup = await setupFlow('memory', { ...quiet, meter, countries: 'any', voice: true })
  const words = ['x\r\ny', 'e'.repeat(5000), '__proto__', '${x}', number, rightCode]
  for (const word of words) {
    const address = word
    await setup.flow.send({ number: word, country: word, via: word, language: word, address })
    await setup.flow.send({ number: word, address })
    await setup.flow.resend({ handle: word, via: word, address })
    await setup.flow.check({ handle: word, code: word, address })
    await setup.flow.status({ handle: word })
    await setup.flow.cancel({ handle: word })
    await setup.flow.unlock(word).catch(() => {})
    await setup.advance(31)
  }
  for (const each of [number, '+4915123456789', '+33612345678', '+919876543210']) {
    await setup.advance(31)
    const sent = await setup.flow.send({ number: each })
    if (sent.status !== 'sent') continue
    const code = await setup.sandbox.waitForCode(each)
    await setup.flow.check({ handle: sent.handle, code: code === '111111' ? '222222' : '111111' })
    await signIn(setup.flow, sent.handle, code)
  }

  const values = {
    country: /^[A-Z]{2}$/,
    channel: /^(sms|voice)$/,
    step: /^(send|resend|check|complete|release|status|cancel|unlock)$/,
    policy: /^(budget|pumping|(sends|failures|failed_numbers)_per_(number|address))$/,
    reason: oneOf(tableOf('reasons').flatMap(([cell]) => namesIn(cell))),
    result:
      /^(sent|resent|unconfirmed|verified|signed_in|none|pending|done|over|[a-z]+_[a-z_]+|ERR_OTP_[A-Z_]+)$/,
  }
  const points = await dump()
  expect(points.length).toBeGreaterThan(20)
  for (const { name, attributes } of points) {
    expect(Object.keys(attributes).toSorted()).toEqual(documentedAttributes(name))
    for (const [attribute, value] of Object.entries(attributes)) {
      expect(value).toMatch(values[attribute as keyof typeof values]) // compared with the page just now
    }
  }
  const text = JSON.stringify(points)
  for (const { flowId } of setup.events as { flowId?: string }[]) {
    if (flowId) expect(text).not.toContain(flowId)
  }
  for (const secret of [number.slice(1), rightCode]) expect(text).not.toContain(secret)
})

test('docs/events.md lists every instrument', async () => {
  const made: string[] = []
  const make = (name: string) => {
    made.push(name)
    return { add() {}, record() {} }
  }
  await setupFlow('memory', { ...quiet, meter: { createCounter: make, createHistogram: make } })
  expect(
    tableOf('metrics')
      .flatMap(([cell]) => namesIn(cell))
      .toSorted(),
  ).toEqual(made.toSorted())
})

test('a meter that throws changes nothing', async () => {
  const fail = () => {
    throw new Error('the registry is full')
  }
  const meter: OtpMeter = {
    createCounter: () => ({ add: fail }),
    createHistogram: () => ({ record: fail }),
  }
  const setup = await setupFlow('memory', { ...quiet, meter })
  expect(await signIn(setup.flow, await sendCode(setup))).toBe('opened')
  expect(setup.eventTypes()).toEqual(['otp.sent', 'otp.verified', 'session.opened'])
})

function documentedAttributes(instrument: string): string[] {
  const row = tableOf('metrics').find(([name]) => namesIn(name).includes(instrument))
  const known = ['country', 'channel', 'result', 'policy', 'step', 'reason']
  const names = namesIn(row?.[2]).filter((name) => known.includes(name))
  return names.toSorted()
}

function oneOf(words: string[]): RegExp {
  return new RegExp(`^(${words.join('|')})$`)
}
