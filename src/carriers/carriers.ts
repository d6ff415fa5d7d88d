import type { ResolvedOptions } from '../options/options.js'
import type { Channel } from '../outcomes.js'
import type { Carrier, Carriers } from './carrier.js'
import type { StepClient } from './decoy.js'
import { createSms, createWhatsapp } from './own-code.js'
import type { Api } from './pressure.js'
import { createTwoFactor } from './two-factor.js'

const apis = { 'two-factor': 'otp', sms: 'sms', whatsapp: 'chat' } as const

type Settings = Pick<ResolvedOptions, 'channels' | 'pinLength' | 'applicationId' | 'lifetime'>

export function createCarriers(client: StepClient, options: Settings): Carriers {
  const judge = createTwoFactor(client, options)
  return {
    judge,
    of(via): Carrier {
      const carrier = options.channels.get(via)
      if (carrier?.carrier === 'sms') return createSms(client, carrier, options.lifetime)
      if (carrier?.carrier === 'whatsapp') return createWhatsapp(client, carrier)
      return judge
    },
  }
}

/** Which of tyntec's APIs a channel goes through. */
export function apiOf({ channels }: Pick<ResolvedOptions, 'channels'>, via: Channel): Api {
  return apis[channels.get(via)?.carrier ?? 'two-factor']
}
