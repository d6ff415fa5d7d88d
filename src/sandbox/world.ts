import { setMaxListeners } from 'node:events'
import { createApi } from './api/api.js'
import { createApplications } from './applications/applications.js'
import { applicationOperations } from './applications/operations.js'
import { createChatService } from './chat/chat.js'
import { createMediaShelf } from './chat/media.js'
import { chatOperations } from './chat/operations.js'
import { createClock } from './clock.js'
import { chatRoutes } from './control/chat.js'
import { createControl } from './control/control.js'
import { createEvents } from './events.js'
import { createFaults } from './faults/faults.js'
import { inboxRoutes } from './inbox/index.js'
import { type Call, createJournal } from './journal.js'
import { createMagic } from './magic.js'
import { createMessages } from './messages.js'
import { createNumberReader } from './numbers.js'
import { otpOperations } from './otp/operations.js'
import { createOtps } from './otp/otps.js'
import { smsOperations } from './sms/operations.js'
import { toResponse } from './sms/response.js'
import { createSmsService, type Sms } from './sms/sms.js'
import { createPoster, type WebhookOperation } from './webhooks/poster.js'
import type { Webhooks } from './webhooks/webhooks.js'

export interface WorldOptions {
  /** Id of one more application of each account. */
  application: string | undefined
  webhooks: Webhooks
  onAnswered: ((call: Call) => void) | undefined
  /** The sandbox's own URL, known once it listens. */
  baseUrl(): string
}

/** All that a sandbox holds, and what may be asked of it, without a server. */
export async function createWorld(options: WorldOptions) {
  const { baseUrl } = options
  const clock = createClock()
  const events = createEvents(clock.now)
  const messages = createMessages(events, clock.now)
  const journal = createJournal({ events, onAnswered: options.onAnswered })
  const faults = createFaults(events)
  const magic = createMagic()
  const otps = createOtps({ clock, events, messages })
  const { application: named } = options
  const applications = createApplications({
    clock,
    ...(named && { named }),
    onDelete: otps.applicationDeleted,
  })
  const readNumber = await createNumberReader()
  let life = createEnd()
  let { webhooks } = options
  const poster = createPoster({ clock, events, faults, signal: () => life.signal })
  const media = createMediaShelf()
  const toSmsResponse = (sms: Sms) => toResponse(sms, baseUrl())
  const sms = createSmsService({ clock, messages, poster, toReport: toSmsResponse })
  const chat = createChatService({ clock, messages, tell })

  function tell(operation: WebhookOperation, content: object, number: string) {
    const url = operation === 'webhook.notification' ? webhooks.notifications : webhooks.messages
    if (url !== undefined) poster.post({ operation, url, content, number })
  }

  function advance(seconds: number) {
    clock.advance(seconds)
    const now = new Date(clock.now()).toISOString()
    const advanced = clock.advanced()
    events.emit(() => ({ type: 'clock', now, advanced }))
  }

  /** What is under way or waits for its time never happens. */
  function stop() {
    life.abort()
    clock.reset()
  }

  function reset() {
    stop()
    life = createEnd()
    webhooks = options.webhooks
    for (const part of [faults, journal, otps, applications, sms, chat, media, poster, messages]) {
      part.clear()
    }
    magic.reset()
    events.emit(() => ({ type: 'reset' }))
  }

  const api = createApi({
    clock,
    faults,
    journal,
    magic,
    operations: {
      ...applicationOperations(applications),
      ...otpOperations({ applications, magic, otps, readNumber }),
      ...smsOperations({ clock, readNumber, service: sms, toResponse: toSmsResponse }),
      ...chatOperations({ media, readNumber, service: chat }),
    },
  })

  const control = createControl(
    { clock, events, faults, journal, magic, messages, otps, advance, reset },
    {
      ...inboxRoutes,
      ...chatRoutes({
        clock,
        media,
        poster,
        service: chat,
        tell,
        url: baseUrl,
        webhooks: {
          read: () => webhooks,
          set(changed) {
            webhooks = changed
          },
        },
      }),
    },
  )

  return {
    api,
    control,
    clock,
    faults,
    journal,
    messages,
    otps,
    advance,
    reset,
    stop,
    /** Aborted by the next reset, or the end. */
    signal: (): AbortSignal => life.signal,
  }
}

/** However many calls wait for it, that is no leak to warn of. */
export function createEnd(): AbortController {
  const end = new AbortController()
  setMaxListeners(0, end.signal)
  return end
}
