import { capacities, isGsm, type SmsParts, splitSms } from '../sms/parts.js'

/** How a text travels as SMS. */
export interface Segmentation {
  encoding: SmsParts['encoding']
  /** Letters as people count them, whatever they cost on the way. */
  characters: number
  /** Each is billed. */
  segments: number
  /** What still fits into the last segment, in units of the encoding. */
  left: number
  /** The first character that GSM-7 does not have. */
  because?: string
}

export function segment(text: string): Segmentation {
  const { encoding, parts } = splitSms(text)
  const { single, joined } = capacities[encoding]
  const last = splitSms(parts.at(-1) ?? '', encoding).units
  const letters = [...text]
  const because = encoding === 'GSM-7' ? undefined : letters.find((letter) => !isGsm(letter))
  return {
    encoding,
    characters: letters.length,
    segments: parts.length,
    left: (parts.length === 1 ? single : joined) - last,
    ...(because !== undefined && { because }),
  }
}
