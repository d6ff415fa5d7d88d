import type { OtpFlow } from '../flow/index.js'
import { atMost } from '../flow/waiting.js'
import type { Proof } from '../outcomes.js'

/** How the app's session is opened, and closed again. */
export interface Opening {
  /** Nobody is there to hear the answer. */
  gone(): boolean
  /** Opens the session for good: a new one, filled and saved. */
  open(): Promise<void>
  /** Takes back what `open` has done, or begun. */
  close(): Promise<void>
}

/**
 * Opens the session for a proven code, and ends the flow. Only in this order does every way of
 * failing leave a person who can send the same code again: what was proven stays so until the
 * session is there and its owner can hear of it.
 *
 * `over`: the flow had ended meanwhile, so there is no session.
 */
export async function openSession(
  flow: OtpFlow,
  proof: Proof,
  opening: Opening,
): Promise<'opened' | 'gone' | 'over'> {
  if (opening.gone()) {
    await release(flow, proof)
    return 'gone'
  }
  try {
    await opening.open()
    if (!opening.gone()) {
      if (await complete(flow, proof)) return 'opened'
      await closed(opening)
      return 'over'
    }
  } catch (error) {
    await closed(opening)
    await release(flow, proof)
    throw error
  }
  await closed(opening)
  await release(flow, proof)
  return 'gone'
}

/** Asked twice, because an answer that was lost once would leave a used code and no session. */
export async function complete(flow: OtpFlow, proof: Proof): Promise<boolean> {
  return flow.complete(proof).catch(() => flow.complete(proof))
}

/** The same for a person that the app has refused. */
export async function close(flow: OtpFlow, proof: Proof): Promise<void> {
  await flow.close(proof).catch(() => flow.close(proof))
}

/** Without it the same code waits until the lease is over, so failing changes little. */
export async function release(flow: OtpFlow, proof: Proof): Promise<void> {
  await flow.release(proof).catch(() => {})
}

/** The session's store may be what has failed, so it is not waited for. */
async function closed(opening: Opening): Promise<void> {
  await atMost(2, opening.close()).catch(() => {})
}
