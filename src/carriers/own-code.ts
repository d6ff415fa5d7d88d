import { OtpError } from '../errors.js'
import type { CarrierOptions } from '../options/channels.js'
import type { Delivery } from '../outcomes.js'
import type { Carrier, Order } from './carrier.js'
import type { StepClient } from './decoy.js'

/**
 * Texts with a code of ours. Their `reference` comes back in reports, but no call lists texts by it: a send
 * whose answer was lost stays without a known end, and its code can be used if it comes.
 */
export function createSms(
  { sms }: Pick<StepClient, 'sms'>,
  { from, text, callbackUrl }: CarrierOptions & { carrier: 'sms' },
  lifetime: number,
): Carrier {
  return {
    ownCode: true,
    async send(order) {
      const { number, reference } = order
      const message = text
        .replaceAll('{{OTP}}', codeOf(order))
        .replaceAll('{{SEC}}', String(lifetime))
      const { requestId } = await sms.send({
        to: number,
        from,
        message,
        reference,
        // What comes after the code has ended is of no use to anybody.
        validity: String(Math.ceil(lifetime / 60)),
        ...(callbackUrl !== undefined && { callbackUrl, callbackMethod: 'POST' }),
      })
      return { id: requestId }
    },
    delivery: async (id) => smsStates[(await sms.status(id))?.status ?? ''] ?? 'unknown',
  }
}

/** tyntec may add states. A map without a prototype takes any. */
const smsStates: Readonly<Record<string, Delivery | undefined>> = Object.assign(
  Object.create(null),
  {
    ACCEPTED: 'sent',
    BUFFERED: 'sent',
    DELIVERED: 'delivered',
    EXPIRED: 'failed',
    REJECTED: 'failed',
    UNDELIVERABLE: 'failed',
  },
)

/** WhatsApp messages with a code of ours, which is the first parameter of their template. */
export function createWhatsapp(
  { chat }: Pick<StepClient, 'chat'>,
  { from, template }: CarrierOptions & { carrier: 'whatsapp' },
): Carrier {
  const { templateId, language } = template
  return {
    ownCode: true,
    async send(order) {
      const { policy, code = order.language ?? 'en' } = language ?? { policy: 'fallback' as const }
      const { messageId } = await chat.send(
        {
          to: order.number,
          channels: ['whatsapp'],
          whatsapp: {
            from,
            contentType: 'template',
            template: {
              templateId,
              language: { ...(policy && { policy }), code },
              parameters: [{ default: codeOf(order) }],
            },
          },
        },
        order.reference,
      )
      return { id: messageId }
    },
    delivery: async (id) => chatStates[(await chat.status(id))?.status ?? ''] ?? 'unknown',
  }
}

const chatStates: Readonly<Record<string, Delivery | undefined>> = Object.assign(
  Object.create(null),
  { accepted: 'sent', delivered: 'delivered', seen: 'delivered', failed: 'failed' },
)

function codeOf({ code }: Order): string {
  if (code !== undefined) return code
  throw new OtpError('ERR_OTP_MISUSE', 'A message of this channel needs a code', {
    processed: 'no',
  })
}
