import { claim } from './claim.js'
import { giveBack } from './give-back.js'
import { deliver, endFlow, failures, look, peek, read, unlock } from './read.js'
import { resend, resendDue } from './resend.js'
import { send } from './send.js'
import { recount, settleCheck } from './settle-check.js'
import { settleResend, settleSend } from './settle.js'
import { complete, release } from './sign-in.js'

/**
 * Every step of the store, written once: `memoryStore` runs these functions as they are, and Redis runs them as
 * the Lua that `npm run build:scripts` makes of them. Each looks at its records, and changes all of
 * them that it means to change or none.
 */
export const steps = {
  send,
  settleSend,
  resendDue,
  resend,
  settleResend,
  claim,
  settleCheck,
  recount,
  giveBack,
  look,
  complete,
  release,
  read,
  deliver,
  endFlow,
  peek,
  unlock,
  failures,
}

export type StepName = keyof typeof steps

/** The records that a step may be given, by name. */
export type BoxName =
  | 'own'
  | 'site'
  | 'app'
  | 'country'
  | 'range'
  | 'number'
  | 'flow'
  | 'current'
  | 'old'

export type StepArgs<Name extends StepName> = Parameters<(typeof steps)[Name]>[1]
export type StepReply<Name extends StepName> = ReturnType<(typeof steps)[Name]>
