import type { Sms } from './sms.js'

const date = (time: number | undefined) =>
  time === undefined ? undefined : new Date(time).toISOString()

/** tyntec's `RestMessageResponse`: all texts but `size`. What is not known yet is left out. */
export function toResponse(sms: Sms, baseUrl: string) {
  const outcome = {
    doneDate: date(sms.done),
    errorCode: sms.error?.code,
    priceEffective: date(sms.submitted),
    sentDate: date(sms.sent),
  }
  return {
    ...outcome,
    errorReason: sms.error?.reason,
    from: sms.from,
    href: `${baseUrl}/messaging/v1/messages/${sms.requestId}`,
    mccmnc: '00000',
    parts: sms.partIds.map((partId) => ({
      ...outcome,
      currency: 'EUR',
      deliveryState: sms.status,
      partId,
      price: '0.0',
      statusText: sms.error?.reason ?? sms.status,
    })),
    reference: sms.reference,
    requestId: sms.requestId,
    size: sms.partIds.length,
    status: sms.status,
    submitDate: date(sms.submitted),
    to: sms.to,
    ttid: '0',
  }
}
