import type { Emits } from './emits.js'

export type Channel = 'sms' | 'voice' | 'whatsapp'

/** What a phone received. */
export interface Message {
  /** Rises with every message, and on across resets, so that an old cursor never matches. */
  seq: number
  channel: Channel
  to: string
  from: string
  text: string
  /** An OTP's code, or what looks like one in another message; `''` when nothing does. */
  code: string
  /** `''` for a message of the SMS or the Chat API. */
  otpId: string
  sentAt: string
  /** The SMS API's `requestId`. */
  requestId?: string
  /** The Chat API's `messageId`. */
  messageId?: string
  /** What a Chat message holds beside its text. */
  media?: { type?: string; url?: string; caption?: string }
}

export type MessageHappening = { type: 'message'; message: Message } | { type: 'messages-deleted' }

export interface MessageFilter {
  to?: string | undefined
  after?: number | undefined
}

export interface Messages {
  add(message: Omit<Message, 'seq'>): Message
  /** Oldest first. */
  list(filter?: MessageFilter): Message[]
  /**
   * The newest match with a code, or the first to arrive within `seconds`; `undefined` when none
   * came.
   */
  wait(filter: MessageFilter, seconds: number, signal?: AbortSignal): Promise<Message | undefined>
  /** Calls `listener` for each new message. */
  subscribe(listener: (message: Message) => void): () => void
  clear(): void
  /** When all were deleted last, by the sandbox's clock; 0 when they never were. */
  clearedAt(): number
}

const capacity = 500

/** `now` is the sandbox's clock. */
export function createMessages(events: Emits<MessageHappening>, now: () => number): Messages {
  let seq = 0
  let clearedAt = 0
  let messages: Message[] = []
  const listeners = new Set<(message: Message) => void>()

  const matches = (message: Message, { to, after }: MessageFilter) =>
    (to === undefined || message.to === to) && (after === undefined || message.seq > after)

  const hasCode = (message: Message, filter: MessageFilter) =>
    message.code !== '' && matches(message, filter)

  function subscribe(listener: (message: Message) => void) {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  return {
    add(fields) {
      seq += 1
      const message = { seq, ...fields }
      messages.push(message)
      if (messages.length > capacity) messages.shift()
      for (const listener of listeners) listener(message)
      events.emit(() => ({ type: 'message', message }))
      return message
    },
    list: (filter = {}) => messages.filter((message) => matches(message, filter)),
    wait: (filter, seconds, signal) =>
      new Promise((resolve) => {
        const found = messages.findLast((message) => hasCode(message, filter))
        if (found || seconds <= 0 || signal?.aborted) return resolve(found)

        function finish(message?: Message) {
          unsubscribe()
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          resolve(message)
        }
        const giveUp = () => finish()
        const unsubscribe = subscribe((message) => {
          if (hasCode(message, filter)) finish(message)
        })
        const timer = setTimeout(giveUp, seconds * 1000)
        signal?.addEventListener('abort', giveUp, { once: true })
      }),
    subscribe,
    clearedAt: () => clearedAt,
    clear() {
      clearedAt = now()
      messages = []
      events.emit(() => ({ type: 'messages-deleted' }))
    },
  }
}
