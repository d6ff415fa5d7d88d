import type { Readable } from 'node:stream'
import { type Asking, orNone } from './asking.js'
import { isObject, json, own } from './body.js'
import type {
  ChatAccepted,
  ChatHistory,
  ChatHistoryItem,
  ChatMessage,
  ChatStatus,
  StoredChatMessage,
} from './chat-entities.js'
import { failure } from './statuses.js'
import { badAnswer, misuse } from './failures.js'
import { exactText, listOf, objectOf, readFields, type Readers, record, text } from './fields.js'
import { isId, segment } from './requests.js'
import type { Answer } from './transport.js'

/** Options of a look at a medium. */
export interface MediaOptions {
  /**
   * Bytes that are read at most; more ends the stream with an error.
   *
   * @default 104857600, which is 100 MB
   */
  maxBytes?: number | undefined
  /**
   * Seconds until the last byte.
   *
   * @default 60
   */
  timeout?: number | undefined
}

/** A medium that somebody has sent. */
export interface Media {
  /** As the server says. The sender of the file chose it. */
  contentType: string | undefined
  /** Has to be read or destroyed: until then it holds a connection. */
  stream: Readable
}

/** Calls to `/messaging/v1/chat`: WhatsApp and others, one after another until one succeeds. */
export interface ChatCalls {
  /**
   * Hands a message over. It is sent once: after an error whose `processed` is `unknown` it may have gone out,
   * and tyntec has no way of looking that up.
   *
   * `POST /messages` (Send a message)
   */
  send(message: ChatMessage): Promise<ChatAccepted>
  /**
   * The message as it was sent, or nothing. tyntec forgets it 48 hours after its end.
   *
   * `GET /messages/{message-id}` (Retrieve the message)
   */
  read(messageId: string): Promise<StoredChatMessage | undefined>
  /**
   * What has become of a message on which channel, or nothing when tyntec doesn't know it. Notifications of it
   * are signed by nobody, so ask here before you act on one.
   *
   * `GET /messages/{message-id}/status` (Check message status)
   */
  status(messageId: string): Promise<ChatStatus | undefined>
  /**
   * Every step of a message, or nothing when tyntec doesn't know it.
   *
   * `GET /messages/{message-id}/history` (View message history)
   */
  history(messageId: string): Promise<ChatHistory | undefined>
  /**
   * A file that somebody has sent, as a stream, or nothing when tyntec doesn't know it. It takes the id only:
   * a notification's address is not one to send the key to.
   *
   * `GET /media/{media-id}` (Download received media)
   */
  media(mediaId: string, options?: MediaOptions): Promise<Media | undefined>
}

export function createChatCalls({ ask, guard, transport }: Asking): ChatCalls {
  const read = <T extends { messageId?: string }>(
    messageId: string,
    rest: string,
    parse: (answer: Answer) => T,
  ): Promise<T | undefined> =>
    ask(
      {
        method: 'GET',
        path: `${messages}/${segment('messageId', messageId)}${rest}`,
        repeatable: true,
      },
      orNone((answer) => {
        const parsed = parse(answer)
        if (parsed.messageId !== undefined && parsed.messageId !== messageId) {
          throw badAnswer('it is about another messageId')
        }
        return parsed
      }),
    )
  return {
    async send(message) {
      checkMessage(message)
      return ask({ method: 'POST', path: messages, body: message }, toAccepted)
    },
    read: async (messageId) => read(messageId, '', toStored),
    status: async (messageId) => read(messageId, '/status', toStatus),
    history: async (messageId) => read(messageId, '/history', toHistory),
    async media(mediaId, { maxBytes = 100 * 1024 * 1024, timeout = 60 } = {}) {
      const path = `${base}/media/${segment('mediaId', mediaId)}`
      if (!(Number.isSafeInteger(maxBytes) && maxBytes > 0)) {
        throw misuse('"maxBytes" must be a whole number above 0.')
      }
      if (!(timeout > 0 && timeout <= 3600)) {
        throw misuse('"timeout" must be a number of seconds above 0, up to 3600.')
      }
      return guard(async () => {
        const answer = await transport.download(
          { method: 'GET', path, timeout, accept: '*/*' },
          maxBytes,
        )
        if ('stream' in answer) return answer
        if (answer.status === 404) return undefined
        throw failure(answer)
      })
    },
  }
}

const base = '/messaging/v1/chat'
const messages = `${base}/messages`

/** tyntec says in detail what is wrong with the rest. */
function checkMessage(message: ChatMessage): void {
  if (!isObject(message)) throw misuse('The message is no object.')
  if (typeof message.to !== 'string') throw misuse('"to" must be a string.')
  const { channels } = message
  if (!Array.isArray(channels) || channels.length === 0) {
    throw misuse('"channels" must name at least one channel.')
  }
}

function toAccepted(answer: Answer): ChatAccepted {
  if (answer.status !== 202 && answer.status !== 200 && answer.status !== 201) throw failure(answer)
  const value = objectIn(answer)
  const fields = readFields<ChatAccepted>(value, { messageId: exactText, acceptedAt: text })
  return { ...fields, messageId: idIn(value) }
}

function toStored(answer: Answer): StoredChatMessage {
  const readers: Readers<StoredChatMessage> = {
    messageId: exactText,
    to: text,
    channels: listOf(exactText),
    defaultContent: record,
    sms: record,
    whatsapp: record,
    tyntecEcho: record,
  }
  return readFields(objectIn(answer), readers)
}

/** Also for a notification, which has the same form. */
function parseChatStatus(value: unknown): ChatStatus {
  if (!isObject(value)) throw badAnswer('it is not a status')
  const fields = readFields<ChatStatus>(value, {
    messageId: exactText,
    deliveryChannel: exactText,
    status: exactText,
  })
  const { status } = fields
  if (status === undefined) throw badAnswer('it has no status')
  return { ...fields, messageId: idIn(value), status }
}

function toStatus(answer: Answer): ChatStatus {
  return parseChatStatus(json(answer))
}

const readItem = objectOf<ChatHistoryItem>({
  deliveryChannel: exactText,
  happendAt: text,
  state: exactText,
  details: record,
})

function toHistory(answer: Answer): ChatHistory {
  const fields = readFields<ChatHistory>(objectIn(answer), {
    messageId: exactText,
    history: listOf(readItem),
  })
  return { ...fields, history: fields.history ?? [] }
}

function objectIn(answer: Answer): object {
  const value = json(answer)
  if (!isObject(value)) throw badAnswer('it is not an object')
  return value
}

function idIn(value: object): string {
  const messageId = own(value, 'messageId')
  if (!isId(messageId)) throw badAnswer('it has no valid messageId')
  return messageId
}
