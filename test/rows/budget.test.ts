import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { flowKinds, setupFlow, statusOf } from '../support/flow.js'
import { addressOf, phone } from '../support/phones.js'

// proves: SEND-6
test.each(flowKinds)(
  'any number of numbers and addresses gets as many messages as the budget has, on %s',
  { timeout: 60_000 },
  async (kind) => {
    // The budget alone: all else that would stop them is away.
    const budget = { perHour: 120, perDay: 150 }
    const setup = await setupFlow(kind, { budget, pumping: 'shadow', validate: false })
    const attack = async (from: number, to: number) => {
      const left = Array.from({ length: to - from }, (_, index) => from + index)
      const statuses: Record<string, number> = {}
      const worker = async () => {
        for (let index = left.pop(); index !== undefined; index = left.pop()) {
          const input = { number: phone('DE', index * 7), address: addressOf(index % 1000) }
          const status = await statusOf(setup.flow.send(input))
          statuses[status] = (statuses[status] ?? 0) + 1
          // Memory answers at once, and would let nobody else have a turn.
          await setImmediate()
        }
      }
      await Promise.all(Array.from({ length: 40 }, worker))
      return statuses
    }
    // Less on Redis, whose time is the machine's.
    const all = kind === 'memory' ? 10_000 : 600
    expect(await attack(0, all)).toEqual({ sent: 120, ERR_OTP_BUDGET: all - 120 })
    expect(setup.sandbox.messages()).toHaveLength(120)
    expect(
      setup.events.filter((event) => event.type === 'budget.exhausted' && event.window === 'hour'),
    ).toHaveLength(1)
    // The limits of memory go by the clock of the machine.
    if (kind === 'memory') return
    await setup.advance(3601)
    expect(await attack(all, all + 200)).toEqual({ sent: 30, ERR_OTP_BUDGET: 170 })
    expect(await setup.count('send')).toBe(150)
  },
)
