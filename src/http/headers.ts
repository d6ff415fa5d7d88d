import type { Headers } from './host.js'

/** A header as one text, whether it came once, several times or not at all. */
export function one(headers: Headers, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.join(', ') ?? '')
}
