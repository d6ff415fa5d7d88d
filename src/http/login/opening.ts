import { OtpError } from '../../errors.js'
import type { OtpFlow } from '../../flow/index.js'
import { atMost } from '../../flow/waiting.js'
import type { Proof } from '../../outcomes.js'
import type { Host } from '../host.js'
import type { Proven } from './proven.js'

/** Seconds that the app may take to find its user and to open its session. */
export const patience = 30

/** The app has refused the person, in words of its own. */
export interface AppRefusal {
  refused?: string | undefined
}

/** How the app's session is opened, and closed again. */
export interface Opening {
  /** False where Passport logs nobody in: the session that the browser has is another login's, and never ended. */
  opensSession?: boolean
  /** Opens the session for good: a new one, filled and saved. Or the app refuses the person. */
  open(): Promise<AppRefusal | void>
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
  host: Host,
  { proof, lost }: Pick<Proven, 'proof' | 'lost'>,
  opening: Opening,
): Promise<'opened' | 'refused' | 'gone' | 'over'> {
  if (host.gone()) {
    await release(flow, proof)
    return 'gone'
  }
  try {
    const refusal = await opening.open()
    if (refusal) {
      await soon(opening.close())
      await close(flow, proof, refusal)
      return 'refused'
    }
    if (!host.gone()) {
      const session = opening.opensSession === false ? undefined : host.session.id()
      if (await complete(flow, proof, session)) {
        // The answer that was lost opened it, so nobody has it.
        if (session !== undefined && lost !== undefined && lost !== session)
          await soon(host.session.end(lost))
        return 'opened'
      }
      await soon(opening.close())
      return 'over'
    }
  } catch (error) {
    await soon(opening.close())
    await release(flow, proof)
    throw error
  }
  await soon(opening.close())
  await release(flow, proof)
  return 'gone'
}

/** Asked twice, because an answer that was lost once would leave a used code and no session. */
export async function complete(flow: OtpFlow, proof: Proof, session?: string): Promise<boolean> {
  const opened = { session }
  return flow.complete(proof, opened).catch(() => flow.complete(proof, opened))
}

/** The same for a person that the app has refused: the same code is told so once more. */
export async function close(
  flow: OtpFlow,
  proof: Proof,
  { refused }: AppRefusal = {},
): Promise<void> {
  const refusal = { message: refused }
  await flow.close(proof, refusal).catch(() => flow.close(proof, refusal))
}

/** Without it the same code waits until the lease is over, so failing changes little. */
export async function release(flow: OtpFlow, proof: Proof): Promise<void> {
  await flow.release(proof).catch(() => {})
}

export function tooLate(name: string): OtpError {
  const message = `Signing in did not end in ${patience} s: does ${name} always answer?`
  return new OtpError('ERR_OTP_MISUSE', message)
}

/** The session's store may be what has failed, so it is not waited for. */
async function soon(closing: Promise<void>): Promise<void> {
  await atMost(2, closing).catch(() => {})
}
