import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.js'
import type { Messages } from '../messages.js'
import { type Delivery, failureOf } from '../otp/delivery.js'
import type { WebhookOperation } from '../webhooks/poster.js'
import type { ChatChannel } from './content.js'
import { echoOf } from './echo.js'
import { onPhone } from './phone.js'
import type { ChatRequest } from './request.js'

export type ChatStatus = 'accepted' | 'delivered' | 'seen' | 'failed'

/** tyntec's `HistoryItem`; the reference spells `happendAt`. */
export interface HistoryItem {
  deliveryChannel: ChatChannel
  happendAt: string
  state: 'accepted' | 'dispatched' | 'dispatching_failed' | 'success' | 'failed'
  details?: { reason: string }
}

/** A message of the Chat API. */
export interface Chat extends ChatRequest {
  readonly messageId: string
  readonly accountId: string
  readonly accepted: number
  readonly history: HistoryItem[]
  readonly delivery: Delivery
  status: ChatStatus
  deliveryChannel: ChatChannel
  /** When it was delivered, read or given up. */
  ended: number | undefined
}

/** tyntec's `MessageStatus`. */
export const toStatus = ({ messageId, deliveryChannel, status }: Chat) => ({
  messageId,
  deliveryChannel,
  status,
})

export interface ChatService {
  send(accountId: string, request: ChatRequest, delivery: Delivery, seen: boolean): Chat
  find(accountId: string, messageId: string): Chat | undefined
  /** Of any account, for the control routes and for faults by number. */
  known(messageId: string): Chat | undefined
  /**
   * What the phone or the network tells later: `failed` goes on to the next channel. False when the
   * message is not in a state for it.
   */
  report(chat: Chat, status: Exclude<ChatStatus, 'accepted'>): boolean
  clear(): void
}

export interface ChatServiceParts {
  clock: Clock
  messages: Messages
  /** Posts to the app's webhook, when it has one. */
  tell(operation: WebhookOperation, content: object, number: string): void
}

const capacity = 10_000
/** How long tyntec keeps a message after a final state. */
const keptFor = 48 * 60 * 60 * 1000

/** What happens to the messages of the Chat API, without HTTP. */
export function createChatService({ clock, messages, tell }: ChatServiceParts): ChatService {
  const byId = new Map<string, Chat>()

  function record(chat: Chat, state: HistoryItem['state'], reason?: string) {
    chat.history.push({
      deliveryChannel: chat.deliveryChannel,
      happendAt: new Date(clock.now()).toISOString(),
      state,
      ...(reason !== undefined && { details: { reason } }),
    })
  }

  function end(chat: Chat, status: ChatStatus) {
    chat.status = status
    chat.ended = clock.now()
    tell('webhook.notification', toStatus(chat), chat.to)
  }

  /** On the channel that it is at. */
  function dispatch(chat: Chat) {
    const { delivery, deliveryChannel, line } = chat
    record(chat, 'dispatched')
    const failure = failureOf(delivery, deliveryChannel, line)
    if (failure) return fail(chat, failure.text)
    if (delivery.copies === 0) return
    if (delivery.delay === 0) return arrive(chat)
    clock.after(delivery.delay, () => {
      if (chat.status === 'accepted' && chat.deliveryChannel === deliveryChannel) arrive(chat)
    })
  }

  function fail(chat: Chat, reason: string) {
    record(chat, 'failed', reason)
    const next = chat.channels[chat.channels.indexOf(chat.deliveryChannel) + 1]
    if (next === undefined) return end(chat, 'failed')
    chat.deliveryChannel = next
    dispatch(chat)
  }

  function arrive(chat: Chat) {
    const { deliveryChannel, contents, delivery, messageId, to } = chat
    const content = contents[deliveryChannel]
    if (content && deliveryChannel !== 'tyntecEcho') {
      for (let copy = 0; copy < Math.max(1, delivery.copies); copy += 1) {
        const sentAt = new Date(clock.now()).toISOString()
        messages.add({
          channel: deliveryChannel,
          to,
          from: content.from,
          ...onPhone(content),
          otpId: '',
          sentAt,
          messageId,
        })
      }
    }
    record(chat, 'success')
    end(chat, 'delivered')
    if (deliveryChannel === 'tyntecEcho') echo(chat)
  }

  function echo({ messageId, to, contents: { tyntecEcho: content } }: Chat) {
    if (!content?.replyBack) return
    const message = {
      messageId,
      from: to,
      to: content.from,
      channel: 'tyntecEcho',
      content: echoOf(content),
    }
    tell('webhook.message', message, to)
  }

  return {
    send(accountId, request, delivery, seen) {
      const chat: Chat = {
        ...request,
        messageId: randomUUID(),
        accountId,
        accepted: clock.now(),
        history: [],
        delivery,
        status: 'accepted',
        deliveryChannel: request.channels[0],
        ended: undefined,
      }
      byId.set(chat.messageId, chat)
      if (byId.size > capacity) byId.delete(byId.keys().next().value ?? '')
      record(chat, 'accepted')
      dispatch(chat)
      if (seen && chat.status === 'delivered' && chat.deliveryChannel === 'whatsapp')
        end(chat, 'seen')
      return chat
    },
    find(accountId, messageId) {
      const chat = byId.get(messageId)
      if (chat?.accountId !== accountId) return undefined
      return chat.ended !== undefined && clock.now() >= chat.ended + keptFor ? undefined : chat
    },
    known: (messageId) => byId.get(messageId),
    report(chat, status) {
      if (status === 'seen') {
        if (chat.status !== 'delivered' || chat.deliveryChannel !== 'whatsapp') return false
        end(chat, 'seen')
      } else {
        if (chat.status !== 'accepted') return false
        if (status === 'delivered') arrive(chat)
        else fail(chat, 'Reported on the control routes.')
      }
      return true
    },
    clear: () => byId.clear(),
  }
}
