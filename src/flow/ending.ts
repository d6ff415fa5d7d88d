import { errorEvent } from '../events.js'
import type { FlowView } from '../store/steps/flow.js'
import type { Context } from './context.js'
import { atMost } from './waiting.js'

/** Why a flow has ended by itself, so that a resend can begin anew. */
export function endOf({ state, end, expiresIn }: FlowView): 'expired' | 'attempts' | undefined {
  if (state === 'dead') return end === 'expired' || end === 'attempts' ? end : undefined
  return isShown({ state }) && expiresIn <= 0 ? 'expired' : undefined
}

export function isShown({ state }: Pick<FlowView, 'state'>): boolean {
  return state === 'pending' || state === 'unconfirmed' || state === 'sending'
}

/** The flow is over here already, so tyntec's answer is not waited for longer than a second. */
export async function deleteOtp({ carriers, events }: Context, otpId: string): Promise<void> {
  const deleted = carriers.judge.drop(otpId).catch((error: unknown) => {
    events.emit(errorEvent('delete', error))
  })
  await atMost(1, deleted)
}
