import type { OtpFlow } from '../flow/index.js'
import { invalid } from '../options/values.js'
import type { ChatReceived } from '../tyntec/chat-entities.js'
import { parseHint } from '../tyntec/hints.js'
import { requireFlow } from './options.js'

export interface WebhookOptions {
  /**
   * Gets what somebody has written to you through Chat, once for each message. Nothing signs it: whoever knows this
   * address can post one, so let it open nothing and change nothing that matters. It has 3 s.
   *
   * @default none: such messages are answered and forgotten
   */
  received?: ((message: ChatReceived) => unknown) | undefined
}

/** What an adapter knows of a request to a webhook. */
export interface WebhookRequest {
  readonly method: string
  readonly url: string
  /** What a parser of the app's has made of the body; `undefined` when none has. */
  readonly body: unknown
  /** The body, as far as nobody has read it. */
  readonly stream: AsyncIterable<Buffer | string>
}

export interface WebhookReply {
  status: 204 | 400 | 405 | 413 | 429 | 503
  headers: Record<string, string>
}

/** Bytes of a body. tyntec's own are far below. */
const mostBytes = 65_536

/** Requests that may look something up at once in this process: strangers can post as many as they like. */
const mostAtOnce = 20

/** Received messages that are remembered, so that one that is posted again is not told again. */
const remembered = 5000

/**
 * Takes tyntec's webhooks. None of them is believed: one that names a message of ours has tyntec asked about it, no
 * more often than a person's page does. Whatever else comes is answered without any work and without a line in the log.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function createWebhook(
  flow: OtpFlow,
  options: WebhookOptions,
): (request: WebhookRequest) => Promise<WebhookReply> {
  requireFlow('webhooks', flow)
  const { received } = checkOptions(options)
  const look = flow.hear()
  const seen = new Set<string>()
  let running = 0

  return async (request) => {
    const { method } = request
    if (method !== 'POST' && method !== 'GET') return reply(405, { Allow: 'GET, POST' })
    if (running >= mostAtOnce) return reply(503, { 'Retry-After': '10' })
    running++
    try {
      const value = method === 'GET' ? queryOf(request.url) : await bodyOf(request)
      if (value === tooLarge) return reply(413, { Connection: 'close' })
      const hint = parseHint(value)
      if (!hint) return reply(400)
      if (hint.kind === 'received') {
        const { message } = hint
        if (received && !seen.has(message.messageId)) {
          seen.add(message.messageId)
          if (seen.size > remembered) seen.delete(seen.values().next().value ?? '')
          // What it throws is the app's own, and tyntec has nothing to do with it.
          await Promise.race([(async () => received(message))().catch(() => {}), late(3000)])
        }
        return reply(204)
      }
      if (!hint.final) return reply(204)
      const looked = await look({ id: hint.id })
      if (looked.status !== 'later') return reply(204)
      // tyntec posts again what is not answered with 2xx.
      return reply(429, { 'Retry-After': String(looked.retryAfter) })
    } catch {
      // The step has told of it.
      return reply(503, { 'Retry-After': '10' })
    } finally {
      running--
    }
  }
}

function checkOptions(options: WebhookOptions): WebhookOptions {
  if (typeof options !== 'object' || options === null) throw invalid('webhooks', 'given an object')
  const unknown = Object.keys(options).find((name) => name !== 'received')
  if (unknown !== undefined) throw invalid('webhooks', 'given "received" and nothing else')
  const { received } = options
  if (received !== undefined && typeof received !== 'function') {
    throw invalid('received', 'a function')
  }
  return { received }
}

function reply(status: WebhookReply['status'], headers: Record<string, string> = {}): WebhookReply {
  return { status, headers: { 'Cache-Control': 'no-store', ...headers } }
}

const tooLarge = Symbol('too large')

async function bodyOf({ body, stream }: WebhookRequest): Promise<unknown> {
  if (body !== undefined) return body
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > mostBytes) return tooLarge
    chunks.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

/** Reports come by GET where that was asked for. */
function queryOf(url: string): unknown {
  return Object.fromEntries(new URLSearchParams(url.split('?')[1] ?? ''))
}

function late(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}
