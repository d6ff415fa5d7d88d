import { originator, type Problem } from '../api/parameters.js'
import { createFieldReader } from './fields.js'

/** A message as it was asked for, with tyntec's defaults. */
export interface SmsRequest {
  to: string
  from: string
  message: string
  encoding: 'AUTO' | 'GSM7' | 'UNICODE'
  /** Milliseconds; `undefined` for at once. */
  sendAt: number | undefined
  /** Minutes. */
  validity: number
  reference: string | undefined
  callbackUrl: string | undefined
  callbackMethod: 'GET' | 'POST'
  partLimit: number
  trate: number
  mrate: number
  upperCased: boolean
}

export const smsFields: readonly string[] = [
  'to',
  'from',
  'message',
  'encoding',
  'gateway',
  'conversion',
  'sendDateTime',
  'validity',
  'reference',
  'callbackUrl',
  'callbackMethod',
  'partLimit',
  'trate',
  'mrate',
  'upperCased',
  'keepEmojis',
  'flash',
]

/** `texts`: it came as a query or a form, in which everything is a text. */
export function readSms(input: unknown, texts: boolean): SmsRequest | Problem {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { message: 'The body is missing or no object', hint: 'to, from and message are needed.' }
  }
  const fields = new Map<string, unknown>(Object.entries(input))
  const unknown = [...fields.keys()].find((name) => !smsFields.includes(name))
  if (unknown !== undefined) {
    return { message: `Unknown field ${unknown}`, hint: `It takes ${smsFields.join(', ')}.` }
  }
  const read = createFieldReader(fields, texts)
  const request: SmsRequest = {
    to: read.text('to', /./s, 'to is the number of the recipient.'),
    from: read.text('from', originator, 'from is a number, or up to 11 characters.'),
    message: read.text('message', /./s, 'message is the text to send.'),
    encoding: read.oneOf('encoding', ['AUTO', 'GSM7', 'UNICODE'], 'AUTO'),
    sendAt: read.date('sendDateTime'),
    validity: read.number('validity', validity),
    reference: read.optional('reference'),
    callbackUrl: read.url('callbackUrl'),
    callbackMethod: read.oneOf('callbackMethod', ['POST', 'GET'], 'POST'),
    partLimit: read.number('partLimit', { min: 1, max: 255, usual: 4, whole: true }),
    trate: read.number('trate', share),
    mrate: read.number('mrate', share),
    upperCased: read.flag('upperCased', true),
  }
  // Read to be refused when they are wrong: nothing here depends on them.
  read.optional('gateway')
  read.flag('conversion', false)
  read.flag('keepEmojis', true)
  read.flag('flash', false)
  return read.problem() ?? request
}

const share = { min: 0, max: 1, usual: 0 }

/** The reference has it as a text, in JSON too. */
const validity = { min: 1, max: 100_000, usual: 2880, whole: true, text: true }
