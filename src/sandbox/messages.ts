export type Channel = 'sms' | 'voice'

/** What a phone received. */
export interface Message {
  /** Rises with every message, and on across resets, so that an old cursor never matches. */
  seq: number
  channel: Channel
  to: string
  from: string
  text: string
  code: string
  otpId: string
  sentAt: string
}

export interface MessageFilter {
  to?: string | undefined
  after?: number | undefined
}

export interface Messages {
  add(message: Omit<Message, 'seq'>): Message
  /** Oldest first. */
  list(filter?: MessageFilter): Message[]
  newest(filter: MessageFilter): Message | undefined
  /** The newest match, or the first to arrive within `seconds`; `undefined` when none came. */
  wait(filter: MessageFilter, seconds: number, signal?: AbortSignal): Promise<Message | undefined>
  /** Calls `listener` for each new message, and without one when all were deleted. */
  subscribe(listener: (message?: Message) => void): () => void
  clear(): void
}

const capacity = 500

export function createMessages(): Messages {
  let seq = 0
  let messages: Message[] = []
  const listeners = new Set<(message?: Message) => void>()

  const matches = (message: Message, { to, after }: MessageFilter) =>
    (to === undefined || message.to === to) && (after === undefined || message.seq > after)

  const newest = (filter: MessageFilter) => messages.findLast((message) => matches(message, filter))

  function subscribe(listener: (message?: Message) => void) {
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
      return message
    },
    list: (filter = {}) => messages.filter((message) => matches(message, filter)),
    newest,
    wait: (filter, seconds, signal) =>
      new Promise((resolve) => {
        const found = newest(filter)
        if (found || seconds <= 0 || signal?.aborted) return resolve(found)

        function finish(message?: Message) {
          unsubscribe()
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          resolve(message)
        }
        const giveUp = () => finish()
        const unsubscribe = subscribe((message) => {
          if (message && matches(message, filter)) finish(message)
        })
        const timer = setTimeout(giveUp, seconds * 1000)
        signal?.addEventListener('abort', giveUp, { once: true })
      }),
    subscribe,
    clear() {
      messages = []
      for (const listener of listeners) listener()
    },
  }
}
