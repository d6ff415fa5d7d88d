import { type Answer, jsonAnswer } from '../api/answer.js'
import type { ApiCall, Glance, OperationTable } from '../api/operation.js'
import type { Problem } from '../api/parameters.js'
import type { ReadNumber } from '../numbers.js'
import { deliveryBy } from '../otp/delivery.js'
import { toOf } from '../sms/operations.js'
import { type Chat, type ChatService, toStatus } from './chat.js'
import type { MediaShelf } from './media.js'
import { readChat } from './request.js'

export interface ChatOperationParts {
  media: MediaShelf
  readNumber: ReadNumber
  service: ChatService
}

/** The five operations of tyntec's Chat API. */
export function chatOperations({ media, readNumber, service }: ChatOperationParts): OperationTable {
  function send(call: ApiCall): Answer {
    const request = readChat(call.body, readNumber)
    if ('hint' in request) return call.refuse(400, request)
    const { effect, reason } = call
    const seen = effect?.kind === 'seen-message'
    const chat = service.send(call.accountId, request, deliveryBy(effect, reason), seen)
    const { accepted, messageId } = chat
    return jsonAnswer(202, { messageId, acceptedAt: new Date(accepted).toISOString() })
  }

  const withChat =
    (perform: (chat: Chat) => object) =>
    (call: ApiCall): Answer => {
      const chat = service.find(call.accountId, call.ids[0] ?? '')
      return chat ? jsonAnswer(200, perform(chat)) : call.refuse(404, unknownMessage)
    }

  function download(call: ApiCall): Answer {
    const file = media.find(call.ids[0] ?? '')
    if (!file) return call.refuse(404, { message: 'Media not found', hint: mediaHint })
    return { status: 200, body: file.bytes, headers: { 'Content-Type': file.contentType } }
  }

  function recipient({ body }: Glance): string | undefined {
    const reading = readNumber(toOf(body) ?? '')
    return reading.status === 'parsed' ? reading.number : undefined
  }

  const numberOfChat = ({ ids }: Glance) => service.known(ids[0] ?? '')?.to

  return {
    'chat.send': { body: true, success: 202, number: recipient, perform: send },
    'chat.get': { number: numberOfChat, perform: withChat(toStored) },
    'chat.history': {
      number: numberOfChat,
      perform: withChat(({ history, messageId }) => ({ messageId, history })),
    },
    'chat.status': { number: numberOfChat, perform: withChat(toStatus) },
    'chat.media': { perform: download },
  }
}

/** tyntec's `StoredMessage`, which has no default content any more. */
const toStored = ({ channels, contents, messageId, to }: Chat) => ({
  messageId,
  to,
  channels,
  ...contents,
})

const unknownMessage: Problem = {
  message: 'Message not found',
  hint: 'There is no message with this id, 48 hours have passed since its end, or it is of another key.',
}

const mediaHint = 'Media come with received messages: POST /_sandbox/received makes one.'
