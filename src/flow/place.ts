import type { Origin } from '../limits/origin.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { Context } from './context.js'

/** Where a message belongs, for the hint that names it. */
export interface Place {
  ref: FlowRef
  /** Who has asked for the message, so that one that follows it is counted there too. */
  origin: Origin
}

export async function rememberMessage(
  { options, secrets }: Context,
  id: string,
  place: Place,
): Promise<void> {
  const [tag] = secrets.messageTags(id)
  // Without it a hint finds nothing, and what becomes of the message is seen when somebody looks.
  await options.store
    .keepNote(noteOf(tag), JSON.stringify(place), options.maxLifetime)
    .catch(() => {})
}

/** The flow whose message has this name. */
export async function placeOf(
  { options, secrets }: Context,
  id: string,
): Promise<Place | undefined> {
  for (const tag of secrets.messageTags(id)) {
    const note = await options.store.note(noteOf(tag))
    if (note !== undefined) return JSON.parse(note) as Place // our own
  }
  return undefined
}

function noteOf(tag: string): string {
  return `message:${tag}`
}
