import { isObject, own } from './body.js'
import type { ChatReceived } from './chat-entities.js'
import { exactText, objectOf, text } from './fields.js'
import { isId } from './requests.js'

/** What tyntec posts to an app. Nothing signs it, so it says at the most where to look. */
export type Hint =
  /** Something has become of a message. `final`: it says that nothing more will. */
  | { kind: 'status'; id: string; final: boolean }
  /** Somebody has written. */
  | { kind: 'received'; message: ChatReceived }

const finalStates: ReadonlySet<string> = new Set([
  // Of the Chat API.
  'delivered',
  'seen',
  'failed',
  // Of the Messaging API.
  'DELIVERED',
  'EXPIRED',
  'REJECTED',
  'UNDELIVERABLE',
])

/** Reads a notification, a received message or a report. Nothing for what is none of these. */
export function parseHint(value: unknown): Hint | undefined {
  if (!isObject(value)) return undefined
  const status = own(value, 'status')
  const messageId = own(value, 'messageId')
  if (typeof status === 'string') {
    const id = own(value, 'requestId') ?? messageId
    return isId(id) ? { kind: 'status', id, final: finalStates.has(status) } : undefined
  }
  const from = text(own(value, 'from'))
  const channel = exactText(own(value, 'channel'))
  const content = readContent(own(value, 'content'))
  const contentType = content?.contentType
  if (!isId(messageId) || from === undefined || channel === undefined) return undefined
  if (content === undefined || contentType === undefined) return undefined
  const to = text(own(value, 'to'))
  const context = readContext(own(value, 'context'))
  const whatsapp = readWhatsapp(own(value, 'whatsapp'))
  return {
    kind: 'received',
    message: {
      messageId,
      from,
      channel,
      content: { ...content, contentType },
      ...(to !== undefined && { to }),
      ...(context && { context }),
      ...(whatsapp && { whatsapp }),
    },
  }
}

type Content = ChatReceived['content']

const readContent = objectOf<Content>({
  contentType: exactText,
  text: exactText,
  url: exactText,
  media: objectOf<NonNullable<Content['media']>>({
    type: exactText,
    url: exactText,
    mediaId: exactText,
  }),
})
const readContext = objectOf<NonNullable<ChatReceived['context']>>({ messageId: exactText })
const readWhatsapp = objectOf<NonNullable<ChatReceived['whatsapp']>>({ senderName: exactText })
