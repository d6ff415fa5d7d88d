import type { Channel, Purpose, Refused } from '../outcomes.js'

export { languageOf } from '../input/language.js'

/** Which channel is asked for; a message when none is. */
export function channelOf(
  via: unknown,
  voice: boolean,
): Channel | Refused<'bad_request' | 'channel_not_allowed'> {
  if (via === undefined || via === null || via === '' || via === 'sms') return 'sms'
  if (typeof via !== 'string') return { status: 'bad_request' }
  return via === 'voice' && voice ? 'voice' : { status: 'channel_not_allowed' }
}

/** What a flow's record says of its purpose: nothing for a login. */
export function purposeOf(purpose: Purpose | undefined): Purpose | undefined {
  return purpose === 'login' ? undefined : purpose
}
