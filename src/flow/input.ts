import type { Channel, Purpose, Refused } from '../outcomes.js'

export { languageOf } from '../input/language.js'

/** Which channel is asked for; a message when none is. */
export function channelOf(
  via: unknown,
  channels: ReadonlyMap<Channel, unknown>,
): Channel | Refused<'bad_request' | 'channel_not_allowed'> {
  const [usual = 'sms'] = channels.keys()
  if (via === undefined || via === null || via === '') return usual
  if (typeof via !== 'string') return { status: 'bad_request' }
  return [...channels.keys()].find((each) => each === via) ?? { status: 'channel_not_allowed' }
}

/** What a flow's record says of its purpose: nothing for a login. */
export function purposeOf(purpose: Purpose | undefined): Purpose | undefined {
  return purpose === 'login' ? undefined : purpose
}
