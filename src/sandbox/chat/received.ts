import { randomUUID } from 'node:crypto'
import { InputError, readFields } from '../control/input.js'
import { readRecipient } from '../control/query.js'
import { splitSms } from '../sms/parts.js'
import { parseUrl } from '../webhooks/loopback.js'
import { chatChannels } from './content.js'
import type { MediaShelf } from './media.js'

export interface ReceivedParts {
  media: MediaShelf
  now: number
  /** The sandbox's own URL, where media are downloaded. */
  url: string
}

/**
 * tyntec's `MoMessage` for what a person sends, made from the body of `POST /_sandbox/received`.
 * @throws {InputError}
 */
export function readReceived(input: unknown, parts: ReceivedParts) {
  const fields = readFields(input)
  const channel = fields.oneOf('channel', chatChannels)
  const from = readRecipient(fields.text('from'))
  const to = fields.text('to', '')
  const text = fields.text('text', '')
  const url = fields.text('url', '')
  const media = fields.take('media')
  const senderName = fields.text('senderName', '')
  const context = fields.text('context', '')
  fields.finish()
  const given = [text !== '', url !== '', media !== undefined].filter(Boolean)
  if (given.length !== 1) throw new InputError('One of "text", "url" and "media" is needed.')
  if (url !== '' && !parseUrl(url)) throw new InputError('"url" must be a URL.')
  return {
    messageId: randomUUID(),
    from,
    ...(to !== '' && { to }),
    channel,
    content: media === undefined ? contentOf(text, url) : mediaContent(media, parts),
    ...(context !== '' && { context: { messageId: context } }),
    ...(channel === 'sms' && { sms: smsPart(text, parts.now) }),
    ...(channel === 'whatsapp' && senderName !== '' && { whatsapp: { senderName } }),
  }
}

const contentOf = (text: string, url: string) =>
  url === '' ? { contentType: 'text', text } : { contentType: 'url', url }

const mediaTypes = ['image', 'document', 'audio', 'voice', 'video'] as const

function mediaContent(input: unknown, { media, url }: ReceivedParts) {
  const fields = readFields(input)
  const type = fields.oneOf('type', mediaTypes)
  const contentType = fields.text('contentType', 'application/octet-stream')
  const data = fields.text('data')
  fields.finish()
  if (!/^[\w.+-]+\/[\w.+-]+$/.test(contentType)) {
    throw new InputError('"contentType" must be like "image/png".')
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new InputError('"data" must be base64.')
  const mediaId = media.add({ contentType, bytes: Buffer.from(data, 'base64') })
  const address = `${url}/messaging/v1/chat/media/${mediaId}`
  return { contentType: 'media', media: { type, url: address, mediaId } }
}

/** What tyntec tells of an SMS beside its text. There are no networks and no prices here. */
function smsPart(text: string, now: number) {
  const { parts } = splitSms(text)
  const at = new Date(now).toISOString()
  return {
    origin: { mcc: '000', mnc: '00', ttId: '0' },
    totalPrice: 0,
    size: parts.length,
    missingParts: false,
    parts: parts.map((_, index) => ({
      messageId: randomUUID(),
      sentDate: at,
      price: 0,
      currency: 'EUR',
      priceEffective: at,
      sequenceNumber: index + 1,
    })),
  }
}
