import type { Channel, Purpose, Refused } from '../outcomes.js'

/** Which channel is asked for; a message when none is. */
export function channelOf(
  via: unknown,
  voice: boolean,
): Channel | Refused<'bad_request' | 'channel_not_allowed'> {
  if (via === undefined || via === null || via === '' || via === 'sms') return 'sms'
  if (typeof via !== 'string') return { status: 'bad_request' }
  return via === 'voice' && voice ? 'voice' : { status: 'channel_not_allowed' }
}

/**
 * ISO 639-1, of any BCP 47 tag. Nothing for what is none: a hint never refuses a message, and tyntec
 * chooses by the number's country.
 */
export function languageOf(language: unknown): string | undefined {
  if (typeof language !== 'string') return undefined
  const [, primary] = /^([a-zA-Z]{2})(?:[-_][\w-]{1,32})?$/.exec(language.trim()) ?? []
  return primary?.toLowerCase()
}

/** What a flow's record says of its purpose: nothing for a login. */
export function purposeOf(purpose: Purpose | undefined): Purpose | undefined {
  return purpose === 'login' ? undefined : purpose
}
