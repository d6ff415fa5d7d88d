import type { OperationPattern, Rule } from './faults/rules.js'

/** What a magic number does. Rules are the same thing as faults, made here instead of by a test. */
interface MagicNumber {
  /** A sentence for people. */
  text: string
  /** The code, by the `pinLength` of the send and the application's; 424242… when missing. */
  code?: (asked: number | undefined, usual: number) => string
  rules?: Rule[]
}

export interface Magic {
  rules(number: string): readonly Rule[]
  /** `undefined` for an ordinary number. */
  code(number: string, asked: number | undefined, usual: number): string | undefined
  /** All of them, for a table. */
  list(): { number: string; text: string }[]
  /** Rules that were used up are as new. */
  reset(): void
}

type Unmatched<T> = T extends unknown ? Omit<T, 'operation' | 'when' | 'id' | 'magic'> : never

type RuleMaker = (magic: string) => Rule

const on =
  (operation: OperationPattern, rule: Unmatched<Rule>, when: Rule['when'] = 'before'): RuleMaker =>
  (magic) => ({ operation, when, magic, ...rule })

/** Each operation that brings a message. */
const onMessages = (rule: Unmatched<Rule>) => [
  on('otp.send', rule),
  on('otp.resend', rule),
  on('sms.send', rule),
  on('chat.send', rule),
]

const onSends = (rule: Unmatched<Rule>, when?: Rule['when']) => [
  on('otp.send', rule, when),
  on('sms.send', rule, when),
  on('chat.send', rule, when),
]

interface MagicEntry {
  text: string
  code?: MagicNumber['code']
  rules?: RuleMaker[]
}

const happy = 'Everything works; the code is 424242, cut to its length.'

/** +1 201 555 01NN. */
const mobiles: Record<string, MagicEntry> = {
  '10': {
    text: 'The message comes 10 s late.',
    rules: onMessages({ kind: 'late-message', seconds: 10 }),
  },
  '11': { text: 'The message never comes.', rules: onMessages({ kind: 'drop-message' }) },
  '12': { text: 'The message comes twice.', rules: onMessages({ kind: 'duplicate-message' }) },
  '13': {
    text: 'An SMS fails; a call works.',
    rules: onMessages({ kind: 'fail-message', channel: 'sms' }),
  },
  '14': {
    text: 'A WhatsApp message fails; an SMS works.',
    rules: onMessages({ kind: 'fail-message', channel: 'whatsapp' }),
  },
  '20': {
    text: 'The code has expired at the first check.',
    rules: [on('otp.check', { kind: 'expire' })],
  },
  '21': { text: 'Every code is wrong.', rules: [on('otp.check', { kind: 'wrong-code' })] },
  '22': {
    text: 'The code is not active any more at the first check.',
    rules: [on('otp.check', { kind: 'end' })],
  },
  '23': {
    text: 'The OTP is gone at the check and at the resend.',
    rules: [on('otp.check', { kind: 'vanish' }), on('otp.resend', { kind: 'vanish' })],
  },
  '24': {
    text: 'The OTP is not valid any more at the resend.',
    rules: [on('otp.resend', { kind: 'end' })],
  },
  '30': { text: 'A send is refused with 400.', rules: onSends({ kind: 'status', status: 400 }) },
  '31': { text: 'A send is refused with 401.', rules: onSends({ kind: 'status', status: 401 }) },
  '32': { text: 'A send is refused with 403.', rules: onSends({ kind: 'status', status: 403 }) },
  '40': {
    text: 'The first send fails with 500, later ones work.',
    rules: onSends({ kind: 'status', status: 500, times: 1 }),
  },
  '41': { text: 'Each send fails with 500.', rules: onSends({ kind: 'status', status: 500 }) },
  '42': { text: 'A send is never answered.', rules: onSends({ kind: 'hang' }) },
  '43': { text: 'A send is cut off, and not done.', rules: onSends({ kind: 'reset' }) },
  '44': {
    text: 'A send is answered with malformed JSON, and not done.',
    rules: onSends({ kind: 'malformed' }),
  },
  '45': {
    text: 'A send is answered by a gateway: 502, HTML.',
    rules: onSends({ kind: 'html', status: 502 }),
  },
  '46': {
    text: 'A send is answered without a body, and not done.',
    rules: onSends({ kind: 'empty' }),
  },
  '47': {
    text: 'The message comes, and the answer to the send is lost.',
    rules: onSends({ kind: 'reset' }, 'after'),
  },
  '50': {
    text: 'A send is answered 429 with Retry-After: 7, which tyntec does not document.',
    rules: onSends({ kind: 'status', status: 429, headers: { 'Retry-After': '7' } }),
  },
  '60': {
    text: 'The code has letters: a1b2c3.',
    code: (asked, usual) => 'a1b2c3a1b2c3'.slice(0, asked ?? Math.max(6, usual)),
  },
  '61': { text: 'The code has 4 digits, whatever was asked for.', code: () => '4242' },
  '62': { text: 'The code has 11 digits.', code: () => '42424242424' },
  '63': {
    text: 'The code begins with zeros: 000042.',
    code: (asked, usual) => '42'.padStart(asked ?? Math.max(6, usual), '0'),
  },
  '99': {
    text: 'As an ordinary magic number; a WhatsApp message is read at once.',
    rules: [on('chat.send', { kind: 'seen-message' })],
  },
}

const fixedCode = (asked: number | undefined, usual: number) =>
  '424242424242'.slice(0, asked ?? usual)

const mobile = /^\+120155501([0-9]{2})$/
const landline = /^\+4930231250[0-9]{2}$/

function make(number: string): MagicNumber | undefined {
  const last = mobile.exec(number)?.[1]
  if (last === undefined) return landline.test(number) ? { text: happy } : undefined
  const entry: MagicEntry = mobiles[last] ?? { text: happy }
  const magic = `Magic number 01${last}: ${entry.text}`
  return {
    text: entry.text,
    ...(entry.code && { code: entry.code }),
    ...(entry.rules && { rules: entry.rules.map((rule) => rule(magic)) }),
  }
}

export function createMagic(): Magic {
  // Kept by number, because a rule may count down.
  const inUse = new Map<string, MagicNumber>()

  function find(number: string): MagicNumber | undefined {
    const known = inUse.get(number)
    if (known) return known
    const made = make(number)
    if (made) inUse.set(number, made)
    return made
  }

  return {
    rules: (number) => find(number)?.rules ?? [],
    code(number, asked, usual) {
      const magic = find(number)
      return magic && (magic.code ?? fixedCode)(asked, usual)
    },
    list: () => [
      { number: '+12015550100 to +12015550109', text: happy },
      ...Object.entries(mobiles).map(([last, { text }]) => ({
        number: `+120155501${last}`,
        text,
      })),
      {
        number: '+493023125000 to +493023125099',
        text: 'A landline: AUTO calls it, and an SMS fails.',
      },
    ],
    reset: () => inUse.clear(),
  }
}
