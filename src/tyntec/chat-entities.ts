/** The channels of the reference. tyntec may have others. */
export type ChatChannel = 'sms' | 'whatsapp' | 'tyntecEcho' | (string & {})

/** What a message of Chat holds. */
export type ChatContentType = 'text' | 'template' | 'url' | 'media'

/** tyntec's `Media`: a file at an address that tyntec can reach. */
export interface ChatMedia {
  type?: 'image' | 'document' | 'audio' | (string & {})
  url?: string
  caption?: string
}

/** tyntec's `Template`: a text that the channel has approved, with values for its places. */
export interface ChatTemplate {
  templateId: string
  language: {
    /** `deterministic` takes the language that is named, `fallback` another one where that is missing. */
    policy?: 'fallback' | 'deterministic'
    /** `en`, or `en_US`. */
    code?: string
  }
  parameters?: readonly { default?: string }[]
}

/** tyntec's `DefaultContent`: what holds for every channel that says nothing else. */
export interface ChatContent {
  /** The sender: a number, or an account of the channel. */
  from: string
  contentType: ChatContentType
  text?: string
  /** An http or https address, sent as such. */
  url?: string
  media?: ChatMedia
  template?: ChatTemplate
}

/** tyntec's `SMSRequest`: what SMS says instead of the default content. */
export type ChatSms = Partial<Pick<ChatContent, 'from' | 'text' | 'url'>> & {
  contentType?: 'text' | 'url'
}

/** tyntec's `TyntecEchoRequest`, a channel for tests that reaches no device. */
export type ChatEcho = Partial<ChatContent> & {
  /** Also sends the message back to you as if a person had. */
  replyBack?: boolean
}

/** tyntec's `MessageRequest`. */
export interface ChatMessage {
  /** E.164; a leading `00` is accepted as well. */
  to: string
  /** Tried in this order, until one delivers. */
  channels: readonly ChatChannel[]
  defaultContent?: ChatContent
  sms?: ChatSms
  whatsapp?: Partial<ChatContent>
  tyntecEcho?: ChatEcho
}

/** tyntec's `MessageResponse`. */
export interface ChatAccepted {
  messageId: string
  /** ISO 8601, by tyntec's clock. */
  acceptedAt?: string
}

/** tyntec's `StoredMessage`. Contents are given as they came. */
export interface StoredChatMessage {
  messageId?: string
  to?: string
  channels?: ChatChannel[]
  defaultContent?: Record<string, unknown>
  sms?: Record<string, unknown>
  whatsapp?: Record<string, unknown>
  tyntecEcho?: Record<string, unknown>
}

/** tyntec's `MessageStatus`, which is also what a notification holds. */
export interface ChatStatus {
  messageId: string
  deliveryChannel?: ChatChannel
  /** `delivered`, `seen` and `failed` are final. Not every channel has all of them. */
  status: 'accepted' | 'delivered' | 'seen' | 'failed' | 'unknown' | (string & {})
}

/** tyntec's `HistoryItem`. */
export interface ChatHistoryItem {
  deliveryChannel?: ChatChannel
  /** ISO 8601, by tyntec's clock, and spelled as tyntec spells it. */
  happendAt?: string
  state?:
    | 'accepted'
    | 'dispatched'
    | 'dispatching_failed'
    | 'success'
    | 'failed'
    | 'unknown'
    | (string & {})
  details?: Record<string, unknown>
}

/** tyntec's `MessageHistory`, in order. */
export interface ChatHistory {
  messageId?: string
  history: ChatHistoryItem[]
}

/** tyntec's `MoMessage`: what somebody has sent to you, as tyntec posts it. Nothing signs it. */
export interface ChatReceived {
  messageId: string
  from: string
  to?: string
  channel: ChatChannel
  content: {
    contentType: 'text' | 'url' | 'media' | (string & {})
    text?: string
    url?: string
    media?: {
      type?: 'image' | 'document' | 'audio' | 'voice' | 'video' | (string & {})
      url?: string
      /** What `chat.media` takes. */
      mediaId?: string
    }
  }
  /** The message that is answered. */
  context?: { messageId?: string }
  sms?: {
    origin?: { mcc?: string; mnc?: string; ttId?: string }
    totalPrice?: number
    /** Parts of a long text. */
    size?: number
    missingParts?: boolean
    parts?: {
      messageId?: string
      sentDate?: string
      price?: number
      currency?: string
      priceEffective?: string
      sequenceNumber?: number
    }[]
  }
  whatsapp?: { senderName?: string }
}
