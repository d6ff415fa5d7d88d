import type { Channel, Delivery } from '../outcomes.js'
import type { Otp, OtpEvent, Via } from '../tyntec/index.js'
import type { Carried, Judge } from './carrier.js'
import type { StepClient } from './decoy.js'

/** tyntec's 2FA service. */
export function createTwoFactor(
  { otp }: Pick<StepClient, 'otp'>,
  { pinLength, applicationId }: { pinLength: number; applicationId: string | undefined },
): Judge {
  return {
    ownCode: false,
    async send({ number, via, reference, language }) {
      const sent = await otp.send({
        number,
        via: viaOf(via),
        referenceId: reference,
        pinLength,
        ...(language && { language }),
        ...(applicationId && { applicationId }),
      })
      return carriedOf(sent)
    },
    async find(number, reference) {
      const found = await otp.find(number, reference)
      return found && carriedOf(found)
    },
    resend: (otpId, via) => otp.resend(otpId, { via: viaOf(via) }),
    check: otp.check,
    read: otp.read,
    async drop(otpId) {
      await otp.delete(otpId)
    },
    delivery: async (otpId) => deliveryOf(await otp.events(otpId)),
  }
}

function viaOf(channel: Channel): Via {
  return channel === 'voice' ? 'VOICE' : 'SMS'
}

/** A duration by tyntec's clock alone, so that no two clocks are compared. */
function carriedOf({ otpId, created, expire }: Otp): Carried {
  const lifetime = ((expire ?? Number.NaN) - (created ?? Number.NaN)) / 1000
  return { id: otpId, ...(lifetime > 0 && Number.isFinite(lifetime) && { lifetime }) }
}

/** The newest event that says anything. Types are tyntec's own and may grow, so their words decide. */
function deliveryOf(events: readonly OtpEvent[]): Delivery {
  // Of one millisecond, what became of a message comes after the message.
  const newest = [...events].sort(
    (one, other) =>
      (other.created ?? 0) - (one.created ?? 0) ||
      Number(other.status !== undefined) - Number(one.status !== undefined),
  )
  for (const { type = '', status } of newest) {
    if (status === 'failed' || /FAIL/i.test(type)) return 'failed'
    if (status === 'success' && /RES|DELIVERED/i.test(type)) return 'delivered'
    if (/DELIVER|SEND|SENT/i.test(type)) return 'sent'
  }
  return 'unknown'
}
