import type { FlowRef } from '../secrets/secrets.js'
import type { Context } from './context.js'

/** Where a message belongs, for the hint that names it. */
export async function rememberMessage(
  { options, secrets }: Context,
  { number, flow, flowId, keyId, browserTag }: FlowRef,
  id: string,
): Promise<void> {
  const [tag] = secrets.messageTags(id)
  const place = JSON.stringify([number, flow, flowId, keyId, browserTag ?? null])
  // Without it a hint finds nothing, and what becomes of the message is seen when somebody looks.
  await options.store.keepNote(noteOf(tag), place, options.maxLifetime).catch(() => {})
}

/** The flow whose message has this name. */
export async function placeOf(
  { options, secrets }: Context,
  id: string,
): Promise<FlowRef | undefined> {
  for (const tag of secrets.messageTags(id)) {
    const note = await options.store.note(noteOf(tag))
    if (note === undefined) continue
    const [number, flow, flowId, keyId, browserTag] = JSON.parse(note) as [
      string,
      string,
      string,
      string,
      string | null,
    ] // our own
    return { number, flow, flowId, keyId, browserTag: browserTag ?? undefined }
  }
  return undefined
}

function noteOf(tag: string): string {
  return `message:${tag}`
}
