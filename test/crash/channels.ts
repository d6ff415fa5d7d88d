import { sms, whatsapp } from '../../src/index.js'

/** The channels whose codes are our own. */
export const ownChannels = {
  sms: sms({ from: 'Example', text: 'Your code is {{OTP}}.' }),
  whatsapp: whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } }),
} as const
