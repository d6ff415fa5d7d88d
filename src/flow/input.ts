import { normaliseAddress } from '../input/address.js'
import type { Channel, Refused } from '../outcomes.js'
import type { Context } from './context.js'

/** Which channel is asked for; a message when none is. */
export function channelOf(
  via: unknown,
  voice: boolean,
): Channel | Refused<'bad_request' | 'channel_not_allowed'> {
  if (via === undefined || via === null || via === '' || via === 'sms') return 'sms'
  if (typeof via !== 'string') return { status: 'bad_request' }
  return via === 'voice' && voice ? 'voice' : { status: 'channel_not_allowed' }
}

/** ISO 639-1, or nothing: then tyntec chooses by the number's country. */
export function languageOf(language: unknown): string | undefined | Refused<'bad_request'> {
  if (language === undefined || language === null || language === '') return undefined
  if (typeof language !== 'string' || !/^[a-zA-Z]{2}$/.test(language)) {
    return { status: 'bad_request' }
  }
  return language.toLowerCase()
}

/** What stands for the address of a request in limits. */
export function addressKeysOf(
  { secrets }: Pick<Context, 'secrets'>,
  address: unknown,
): readonly string[] {
  return secrets.addressTags(normaliseAddress(address))
}
