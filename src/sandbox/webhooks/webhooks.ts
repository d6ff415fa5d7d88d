import { InputError } from '../control/input.js'
import { isLoopback, parseUrl } from './loopback.js'

/** Where an app is told of its Chat messages, as one would configure it at tyntec. */
export interface Webhooks {
  /** Gets tyntec's `MessageStatus`, when a message reaches a final state. */
  notifications?: string
  /** Gets tyntec's `MoMessage`, when a person sends something. */
  messages?: string
}

/** @throws {InputError} When one is not a URL of this machine. */
export function checkWebhooks({ notifications, messages }: Webhooks): void {
  for (const [name, text] of Object.entries({ notifications, messages })) {
    if (text === undefined) continue
    const url = parseUrl(text)
    if (!url || !isLoopback(url)) {
      throw new InputError(
        `"${name}" must be a URL of this machine, like http://127.0.0.1:3000/hook.`,
      )
    }
  }
}
