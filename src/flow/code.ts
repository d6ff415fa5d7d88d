import { randomInt } from 'node:crypto'
import type { Recipient } from '../limits/message.js'
import { randomBytes } from '../secrets/random.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { Context } from './context.js'

/** A code that is made here. */
export interface OwnCode {
  code: string
  /** All that is kept of it. */
  hash: string
}

/** The code of a message, where its carrier leaves that to us. */
export function ownCodeOf(
  { carriers, options, secrets }: Context,
  ref: FlowRef,
  { via, known }: Pick<Recipient, 'via' | 'known'>,
): OwnCode | undefined {
  if (!carriers.of(via).ownCode) return undefined
  const { pinLength } = options
  const code = String(randomInt(10 ** pinLength)).padStart(pinLength, '0')
  // Where no message goes out there is nothing to guess.
  const kept = known ? code : randomBytes(16).toString('base64url')
  return { code, hash: secrets.codeHash(ref, kept) }
}
