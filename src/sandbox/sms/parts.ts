import { createRequire } from 'node:module'
import type { SegmentedMessage } from 'sms-segments-calculator'

export interface SmsParts {
  encoding: 'GSM-7' | 'UCS-2'
  /** In units of the encoding: `€` is two in GSM-7, an emoji two or more in UCS-2. */
  units: number
  /** What each part holds, in order. Each part is billed. */
  parts: string[]
}

/** Units that fit into a message of one part, and into each part of a longer one, by tyntec's figures. */
export const capacities = {
  'GSM-7': { single: 160, joined: 152 },
  'UCS-2': { single: 70, joined: 66 },
}

const require = createRequire(import.meta.url)

/** Loaded at the first SMS: few sandboxes see one. */
function loadCalculator(): typeof SegmentedMessage {
  const library = require('sms-segments-calculator') as typeof import('sms-segments-calculator')
  return library.SegmentedMessage
}

/** Whether every character is one of GSM-7. */
export const isGsm = (text: string) => new (loadCalculator())(text).encodingName === 'GSM-7'

/**
 * How a text travels as SMS: in GSM-7 when each character is in it, otherwise in UCS-2. A character
 * is never torn apart by the end of a part.
 */
export function splitSms(text: string, encoding?: SmsParts['encoding']): SmsParts {
  const message = new (loadCalculator())(text, encoding ?? 'auto')
  const { single, joined } = capacities[message.encodingName]
  const characters = message.encodedChars.flatMap(({ raw, codeUnits }) =>
    // Letters can be piled with more accents than a part holds.
    codeUnits.length <= joined
      ? { raw, size: codeUnits.length }
      : Array.from(raw, (point) => ({ raw: point, size: point.length })),
  )
  const units = characters.reduce((sum, { size }) => sum + size, 0)
  if (units <= single) return { encoding: message.encodingName, units, parts: [text] }

  const parts: string[] = []
  let part = ''
  let used = 0
  for (const { raw, size } of characters) {
    if (used + size > joined) {
      parts.push(part)
      part = ''
      used = 0
    }
    part += raw
    used += size
  }
  parts.push(part)
  return { encoding: message.encodingName, units, parts }
}
