import type { OtpFlow } from '../flow/index.js'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost } from '../flow/waiting.js'
import { invalid } from '../options/values.js'
import type { ChatReceived } from '../tyntec/chat-entities.js'
import { parseHint } from '../tyntec/hints.js'
import { requireFlow } from './options.js'

/** Options of `webhooks`. */
export interface WebhookOptions {
  /**
   * Gets what somebody has written to you through Chat. A message that is posted again is told once in each process,
   * of the latest 5000: keep its `messageId` where twice would matter. Nothing signs it: whoever knows this address can
   * post one, so let it open nothing and change nothing that matters. It has 3 s.
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
  status: 204 | 400 | 405 | 408 | 413 | 429 | 503
  headers: Record<string, string>
}

/** Bytes of a body. tyntec's own are far below. */
const mostBytes = 65_536

/** Seconds that a body may take. */
const bodyTime = 5

/** Hints that are looked into at once in this process, and messages that the app is given: strangers can post any. */
const mostAtOnce = 20

/** Seconds after which a message that is not known yet is looked for once more. */
const soon = 1

/** Seconds that the app has for a received message. */
const receivedTime = 3

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
  const looks = createPlaces()
  const waits = createPlaces()
  const told = createPlaces()
  const seen = new Set<string>()

  const tell = async (message: ChatReceived): Promise<WebhookReply> => {
    if (received && !seen.has(message.messageId)) {
      seen.add(message.messageId)
      if (seen.size > remembered) seen.delete(seen.values().next().value ?? '')
      // What it throws is the app's own, and tyntec has nothing to do with it.
      const telling = (async () => received(message))()
      await atMost(receivedTime, telling).catch(() => {})
    }
    return reply(204)
  }
  const ask = async (id: string): Promise<WebhookReply> => {
    let looked = await looks(() => look({ id }))
    if (looked?.status === 'unknown') {
      // It may have come before tyntec's answer to the send. While many wait, which strangers can cause, the others
      // don't.
      await waits(() =>
        sleep(soon * 1000).then(async () => (looked = await looks(() => look({ id })))),
      )
    }
    if (!looked) return busy()
    if (looked.status !== 'later') return reply(204)
    // tyntec posts again what is not answered with 2xx.
    return reply(429, { 'Retry-After': String(looked.retryAfter) })
  }

  return async (request) => {
    const { method } = request
    if (method !== 'POST' && method !== 'GET') return reply(405, { Allow: 'GET, POST' })
    try {
      // A body that comes slowly takes nobody's place.
      const value = method === 'GET' ? queryOf(request.url) : await bodyOf(request)
      if (value === tooLarge) return reply(413, { Connection: 'close' })
      if (value === tooSlow) return reply(408, { Connection: 'close' })
      const hint = parseHint(value)
      if (!hint) return reply(400)
      if (hint.kind === 'received') return (await told(() => tell(hint.message))) ?? busy()
      if (!hint.final) return reply(204)
      return await ask(hint.id)
    } catch {
      // The step has told of it.
      return busy()
    }
  }
}

/** Runs what it is given, or gives nothing when so much of the kind is running. */
function createPlaces(): <T>(run: () => Promise<T>) => Promise<T | undefined> {
  let running = 0
  return async (run) => {
    if (running >= mostAtOnce) return undefined
    running++
    try {
      return await run()
    } finally {
      running--
    }
  }
}

function busy(): WebhookReply {
  return reply(503, { 'Retry-After': '10' })
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
const tooSlow = Symbol('too slow')

async function bodyOf({ body, stream }: WebhookRequest): Promise<unknown> {
  if (body !== undefined) return body
  const text = await atMost(bodyTime, read(stream))
  if (typeof text !== 'string') return text ?? tooSlow
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function read(stream: WebhookRequest['stream']): Promise<string | typeof tooLarge> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > mostBytes) return tooLarge
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString()
}

/** Reports come by GET where that was asked for. */
function queryOf(url: string): unknown {
  return Object.fromEntries(new URLSearchParams(url.split('?')[1] ?? ''))
}
