import type { Clock } from '../clock.js'
import { type ChatService, toStatus } from '../chat/chat.js'
import type { MediaShelf } from '../chat/media.js'
import { readReceived } from '../chat/received.js'
import type { Poster, WebhookOperation } from '../webhooks/poster.js'
import { checkWebhooks, type Webhooks } from '../webhooks/webhooks.js'
import type { Routes } from './control.js'
import { sendJson, sendNothing, sendProblem } from './http.js'
import { readFields } from './input.js'

export interface ChatControlParts {
  clock: Clock
  media: MediaShelf
  poster: Poster
  service: ChatService
  webhooks: { read(): Webhooks; set(webhooks: Webhooks): void }
  /** The sandbox's own. */
  url(): string
  /** Posts to the webhook, when there is one. */
  tell(operation: WebhookOperation, content: object, number: string): void
}

/** The control routes for what tyntec tells an app, and for what people do with Chat messages. */
export function chatRoutes(parts: ChatControlParts): Routes {
  const { clock, media, poster, service, webhooks } = parts
  const view = () => ({ ...webhooks.read(), calls: poster.list() })
  return {
    '/_sandbox/webhooks': {
      GET: { handle: ({ res }) => sendJson(res, 200, view()) },
      POST: {
        handle({ res, input }) {
          const fields = readFields(input())
          const notifications = fields.text('notifications', '')
          const messages = fields.text('messages', '')
          fields.finish()
          const changed = {
            ...(notifications !== '' && { notifications }),
            ...(messages !== '' && { messages }),
          }
          checkWebhooks(changed)
          webhooks.set(changed)
          sendJson(res, 200, view())
        },
      },
      DELETE: {
        handle({ res }) {
          webhooks.set({})
          sendNothing(res)
        },
      },
    },
    '/_sandbox/received': {
      POST: {
        handle({ res, input }) {
          const message = readReceived(input(), { media, now: clock.now(), url: parts.url() })
          parts.tell('webhook.message', message, message.from)
          sendJson(res, 202, message)
        },
      },
    },
    '/_sandbox/chat/{}': {
      POST: {
        handle({ id, res, input }) {
          const chat = service.known(id)
          if (!chat) return sendProblem(res, 404, 'There is no such message.')
          const fields = readFields(input())
          const status = fields.oneOf('status', ['delivered', 'seen', 'failed'])
          fields.finish()
          if (service.report(chat, status)) return sendJson(res, 200, toStatus(chat))
          sendProblem(res, 409, `A message that is ${chat.status} does not become ${status}.`)
        },
      },
    },
  }
}
