import { createHash } from 'node:crypto'

/** A Lua script, by its text and its SHA-1, which is made once. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

export function scriptOf(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/** Whether the server does not have the script: it was restarted, flushed, or is new to the cluster. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
