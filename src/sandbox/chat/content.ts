import type { Problem } from '../api/parameters.js'
import { isHttp } from '../webhooks/loopback.js'

export const chatChannels = ['sms', 'whatsapp', 'tyntecEcho'] as const

export type ChatChannel = (typeof chatChannels)[number]

export interface Template {
  templateId: string
  language: { policy?: 'fallback' | 'deterministic'; code?: string }
  parameters?: { default?: string }[]
}

export interface Media {
  type?: 'image' | 'document' | 'audio'
  url: string
  caption?: string
}

/** What is sent on one channel. */
export interface Content {
  from: string
  contentType: 'text' | 'url' | 'media' | 'template'
  text?: string
  url?: string
  media?: Media
  template?: Template
  /** Of tyntecEcho only. */
  replyBack?: boolean
}

type Fields = Record<string, unknown>

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const invalid = (path: string, hint: string): Problem => ({
  message: `${path} is missing or not valid`,
  hint,
})

const common = ['from', 'contentType', 'text', 'url', 'media', 'template']

/** What each place of a request may hold. */
const known: Record<ChatChannel | 'defaultContent', readonly string[]> = {
  defaultContent: common,
  sms: ['from', 'contentType', 'text', 'url'],
  whatsapp: common,
  tyntecEcho: [...common, 'replyBack'],
}

/** The channel's own settings over the default ones, checked for what the channel can send. */
export function readContent(
  channel: ChatChannel,
  own: unknown = {},
  defaults: unknown = {},
): Content | Problem {
  if (!isObject(own)) return invalid(channel, `${channel} is an object.`)
  if (!isObject(defaults)) return invalid('defaultContent', 'defaultContent is an object.')
  for (const [place, fields] of [
    [channel, own],
    ['defaultContent', defaults],
  ] as const) {
    const unknown = Object.keys(fields).find((name) => !known[place].includes(name))
    if (unknown !== undefined) {
      return {
        message: `${place}.${unknown} is unknown`,
        hint: `It takes ${known[place].join(', ')}.`,
      }
    }
  }
  const fields: Fields = { ...defaults, ...own }
  const from = readFrom(fields.from)
  if (from === undefined) return invalid(`${channel}.from`, 'from is the sender, as a string.')
  const payload = readPayload(channel, fields)
  if ('hint' in payload) return payload
  const { replyBack } = fields
  if (replyBack !== undefined && typeof replyBack !== 'boolean') {
    return invalid(`${channel}.replyBack`, 'replyBack is true or false.')
  }
  return { from, ...payload, ...(replyBack !== undefined && { replyBack }) }
}

/** The reference says string and prints numbers: both are taken. */
function readFrom(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' && value.length <= 100 ? value : undefined
}

function readPayload(channel: ChatChannel, fields: Fields): Omit<Content, 'from'> | Problem {
  const types = channel === 'sms' ? ['text', 'url'] : ['text', 'url', 'media', 'template']
  const { contentType } = fields
  if (typeof contentType !== 'string' || !types.includes(contentType)) {
    return invalid(`${channel}.contentType`, `On ${channel} it is one of ${types.join(', ')}.`)
  }
  const path = `${channel}.${contentType}`
  switch (contentType) {
    case 'text': {
      const { text } = fields
      const fits = typeof text === 'string' && text !== ''
      return fits ? { contentType, text } : invalid(path, 'text is the text to send.')
    }
    case 'url':
      return isHttpUrl(fields.url)
        ? { contentType, url: fields.url }
        : invalid(path, 'url is an http or https URL.')
    case 'media': {
      const media = readMedia(fields.media)
      return media ? { contentType, media } : invalid(path, mediaHint)
    }
    default: {
      const template = readTemplate(fields.template)
      return template ? { contentType: 'template', template } : invalid(path, templateHint)
    }
  }
}

const mediaHint = 'media has a url, and may have a caption and a type: image, document or audio.'
const templateHint =
  'template has a templateId, a language with policy (fallback, deterministic) and code, and parameters like [{ "default": "123456" }].'

const mediaTypes = ['image', 'document', 'audio'] as const

function readMedia(value: unknown): Media | undefined {
  if (!isObject(value) || !hasOnly(value, ['type', 'url', 'caption'])) return undefined
  const { caption, url } = value
  const type = mediaTypes.find((candidate) => candidate === value.type)
  if (!isHttpUrl(url) || (value.type !== undefined && type === undefined)) return undefined
  if (caption !== undefined && typeof caption !== 'string') return undefined
  return { ...(type && { type }), url, ...(caption !== undefined && { caption }) }
}

const policies = ['fallback', 'deterministic'] as const

function readTemplate(value: unknown): Template | undefined {
  if (!isObject(value) || !hasOnly(value, ['templateId', 'language', 'parameters']))
    return undefined
  const { templateId, language, parameters = [] } = value
  if (typeof templateId !== 'string' || templateId === '' || !isObject(language)) return undefined
  if (!hasOnly(language, ['policy', 'code']) || !Array.isArray(parameters)) return undefined
  const policy = policies.find((candidate) => candidate === language.policy)
  if (language.policy !== undefined && policy === undefined) return undefined
  const { code } = language
  if (code !== undefined && (typeof code !== 'string' || !languageCode.test(code))) return undefined
  const read = parameters.map(readTemplateParameter)
  if (read.includes(undefined)) return undefined
  return {
    templateId,
    language: { ...(policy && { policy }), ...(code !== undefined && { code }) },
    parameters: read.filter((parameter) => parameter !== undefined),
  }
}

/** `en` or `en_US`. */
const languageCode = /^[a-z]{2,3}(?:_[A-Za-z]{2,4})?$/

function readTemplateParameter(value: unknown): { default?: string } | undefined {
  if (!isObject(value) || !hasOnly(value, ['default'])) return undefined
  if (value.default === undefined) return {}
  return typeof value.default === 'string' ? { default: value.default } : undefined
}

const hasOnly = (value: Fields, names: readonly string[]) =>
  Object.keys(value).every((name) => names.includes(name))

const isHttpUrl = (value: unknown): value is string => typeof value === 'string' && isHttp(value)
