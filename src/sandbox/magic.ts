import type { Operation, Rule } from './faults.js'
import { defaultApplication } from './otps.js'

/** What a magic number does. Rules are the same thing as faults, made here instead of by a test. */
interface MagicNumber {
  /** The code, by the `pinLength` that was asked for; 424242… when missing. */
  code?: (pinLength: number | undefined) => string
  rules?: Rule[]
}

export interface Magic {
  rules(number: string): readonly Rule[]
  /** `undefined` for an ordinary number. */
  code(number: string, pinLength: number | undefined): string | undefined
  /** Rules that were used up are as new. */
  reset(): void
}

const mobiles = /^\+120155501([0-9]{2})$/
const landlines = /^\+4930231250[0-9]{2}$/

const fixedCode = (pinLength = defaultApplication.pinLength) => '424242424242'.slice(0, pinLength)

type Unmatched<T> = T extends unknown ? Omit<T, 'operation' | 'when'> : never

function on(operation: Operation, rule: Unmatched<Rule>, when: Rule['when'] = 'before'): Rule {
  return { operation, when, ...rule }
}

const onMessages = (rule: Unmatched<Rule>) => [on('otp.send', rule), on('otp.resend', rule)]

/** +1 201 555 01NN. A function, so that rules which count down are new after each reset. */
const magicMobiles: Record<string, () => MagicNumber> = {
  '10': () => ({ rules: onMessages({ kind: 'late-message', seconds: 10 }) }),
  '11': () => ({ rules: onMessages({ kind: 'drop-message' }) }),
  '12': () => ({ rules: onMessages({ kind: 'duplicate-message' }) }),
  '13': () => ({ rules: onMessages({ kind: 'fail-message', channel: 'SMS' }) }),
  '20': () => ({ rules: [on('otp.check', { kind: 'expire' })] }),
  '21': () => ({ rules: [on('otp.check', { kind: 'wrong-code' })] }),
  '22': () => ({ rules: [on('otp.check', { kind: 'end' })] }),
  '23': () => ({
    rules: [on('otp.check', { kind: 'vanish' }), on('otp.resend', { kind: 'vanish' })],
  }),
  '24': () => ({ rules: [on('otp.resend', { kind: 'end' })] }),
  '30': () => ({ rules: [on('otp.send', { kind: 'status', status: 400 })] }),
  '31': () => ({ rules: [on('otp.send', { kind: 'status', status: 401 })] }),
  '32': () => ({ rules: [on('otp.send', { kind: 'status', status: 403 })] }),
  '40': () => ({ rules: [on('otp.send', { kind: 'status', status: 500, times: 1 })] }),
  '41': () => ({ rules: [on('otp.send', { kind: 'status', status: 500 })] }),
  '42': () => ({ rules: [on('otp.send', { kind: 'hang' })] }),
  '43': () => ({ rules: [on('otp.send', { kind: 'reset' })] }),
  '44': () => ({ rules: [on('otp.send', { kind: 'malformed' })] }),
  '45': () => ({ rules: [on('otp.send', { kind: 'html', status: 502 })] }),
  '46': () => ({ rules: [on('otp.send', { kind: 'empty' })] }),
  '47': () => ({ rules: [on('otp.send', { kind: 'reset' }, 'after')] }),
  '50': () => ({
    rules: [on('otp.send', { kind: 'status', status: 429, headers: { 'Retry-After': '7' } })],
  }),
  '60': () => ({ code: (pinLength = 6) => 'a1b2c3a1b2c3'.slice(0, pinLength) }),
  '61': () => ({ code: () => '4242' }),
  '62': () => ({ code: () => '42424242424' }),
  '63': () => ({ code: (pinLength = 6) => '42'.padStart(pinLength, '0') }),
}

/** A landline can't get an SMS. */
const magicLandline = (): MagicNumber => ({
  rules: onMessages({ kind: 'fail-message', channel: 'SMS' }),
})

export function createMagic(): Magic {
  const inUse = new Map<string, MagicNumber>()

  function find(number: string): MagicNumber | undefined {
    const known = inUse.get(number)
    if (known) return known
    const last = mobiles.exec(number)?.[1]
    const found =
      last !== undefined
        ? (magicMobiles[last]?.() ?? {})
        : landlines.test(number)
          ? magicLandline()
          : undefined
    if (found) inUse.set(number, found)
    return found
  }

  return {
    rules: (number) => find(number)?.rules ?? [],
    code(number, pinLength) {
      const magic = find(number)
      return magic && (magic.code ?? fixedCode)(pinLength)
    },
    reset: () => inUse.clear(),
  }
}
