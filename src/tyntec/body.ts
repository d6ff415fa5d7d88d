import { badAnswer } from './failures.js'
import type { Answer } from './transport.js'

/** The JSON that an answer has to hold. */
export function json(answer: Answer): unknown {
  const body = text(answer)
  if (!isJson(answer)) throw badAnswer('it is not JSON')
  return parse(body)
}

export function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    // The reason is left out: its message quotes the body.
    throw badAnswer('it is malformed JSON')
  }
}

/** For a status that means another thing without JSON. Broken JSON may have meant either. */
export function jsonIfAny(answer: Answer): unknown {
  return text(answer) === '' || !isJson(answer) ? undefined : json(answer)
}

/** For a status that says enough by itself. */
export function jsonOrNothing(answer: Answer): unknown {
  try {
    return json(answer)
  } catch {
    return undefined
  }
}

export function isJson({ contentType = '' }: Pick<Answer, 'contentType'>): boolean {
  return /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType)
}

export function text({ body }: Answer): string {
  if (typeof body === 'string') return body
  throw body
}

/** Own properties only: `__proto__` in an answer, or a polluted prototype here, means nothing. */
export function own(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value ?? undefined
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
