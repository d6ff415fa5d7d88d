import type { Problem } from '../api/parameters.js'
import type { Line, ReadNumber } from '../numbers.js'
import {
  type ChatChannel,
  chatChannels,
  type Content,
  invalid,
  isObject,
  readContent,
} from './content.js'

/** A message as it was asked for, with the default content already in each channel's own. */
export interface ChatRequest {
  /** With `+`. */
  to: string
  line: Line
  /** Tried in this order. */
  channels: [ChatChannel, ...ChatChannel[]]
  contents: Partial<Record<ChatChannel, Content>>
}

const known = ['to', 'channels', 'defaultContent', ...chatChannels]

export function readChat(body: unknown, readNumber: ReadNumber): ChatRequest | Problem {
  if (!isObject(body)) return { message: 'The body is no object', hint: 'Send a MessageRequest.' }
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    return { message: `${unknown} is unknown`, hint: `It takes ${known.join(', ')}.` }
  }
  const recipient = readRecipient(body.to, readNumber)
  if (!recipient) return invalid('to', 'to is a number like +12015550100; 00 may stand for the +.')

  const channels = readChannels(body.channels)
  if (!channels) return invalid('channels', `channels lists some of ${chatChannels.join(', ')}.`)
  const contents: ChatRequest['contents'] = {}
  for (const channel of channels) {
    const content = readContent(channel, body[channel], body.defaultContent)
    if ('hint' in content) return content
    contents[channel] = content
  }
  return { ...recipient, channels, contents }
}

/** The reference's own sample is no number of any plan, so the form is enough where a plan has none. */
function readRecipient(
  value: unknown,
  readNumber: ReadNumber,
): Pick<ChatRequest, 'to' | 'line'> | undefined {
  if (typeof value !== 'string') return undefined
  const reading = readNumber(value)
  if (reading.status === 'parsed') return { to: reading.number, line: reading.line }
  const digits = /^(?:\+|00)([1-9][0-9]{6,14})$/.exec(value)?.[1]
  return digits === undefined ? undefined : { to: `+${digits}`, line: 'mobile' }
}

function readChannels(value: unknown): ChatRequest['channels'] | undefined {
  if (!Array.isArray(value) || new Set(value).size !== value.length) return undefined
  const [first, ...rest] = value.map((name) => chatChannels.find((known) => known === name))
  if (first === undefined || rest.includes(undefined)) return undefined
  return [first, ...rest.filter((channel) => channel !== undefined)]
}
