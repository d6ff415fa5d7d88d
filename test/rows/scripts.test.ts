import { expect, test } from 'vitest'
import { numbers, rightCode, sendCode, setupFlow } from '../support/flow.js'

// proves: RED-1
test('whatever is changed in Redis is changed by one script', async () => {
  const setup = await setupFlow('redis', {
    budget: { perCountryPerDay: 100, money: { perDay: 100, prices: { default: 0.1 } } },
  })
  const { redis, flow } = setup
  if (!redis) throw new Error('it is on Redis')
  const commands = new Set<string>()
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, ...rest) => {
    commands.add(command.name)
    return send(command, ...rest)
  }

  const address = '192.0.2.1'
  const handle = await sendCode(setup, { address })
  await flow.send({ number: numbers[0], address })
  await flow.resend({ handle, address })
  await flow.status({ handle })
  await flow.check({ handle, code: '111111', address })
  const outcome = await flow.check({ handle, code: rightCode, address })
  if (outcome.status !== 'verified') throw new Error(outcome.status)
  await flow.release(outcome.proof)
  const again = await flow.check({ handle, code: rightCode, address })
  if (again.status !== 'verified') throw new Error(again.status)
  await flow.complete(again.proof)
  await flow.cancel({ handle: await sendCode(setup, { number: numbers[1], address }) })
  await flow.unlock(numbers[0])

  // No GET whose answer a later SET could be wrong about.
  expect([...commands].filter((name) => !/^eval(?:sha)?$/.test(name))).toEqual([])
  expect(commands.size).toBeGreaterThan(0)
})
