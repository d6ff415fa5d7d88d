/** The characters of GSM-7, and those of its extension, which take two places each. */
const gsm7 =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
const extension = '\f^{}\\[~]|€'

export interface SmsSize {
  encoding: 'GSM-7' | 'UCS-2'
  /** How many messages are billed. */
  segments: number
}

/** How a text travels by SMS: 160 characters of GSM-7 or 70 of UCS-2, and 152 or 66 a part in more parts. */
export function sizeOf(text: string): SmsSize {
  let places = 0
  for (const character of text) {
    if (gsm7.includes(character)) places += 1
    else if (extension.includes(character)) places += 2
    else return { encoding: 'UCS-2', segments: parts(text.length, 70, 66) }
  }
  return { encoding: 'GSM-7', segments: parts(places, 160, 152) }
}

function parts(length: number, one: number, each: number): number {
  return length <= one ? 1 : Math.ceil(length / each)
}
