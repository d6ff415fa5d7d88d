import { OtpError } from '../errors.js'
import type { Context } from './context.js'
import { atMost } from './waiting.js'

/** Seconds that a function of the app may take to say yes or no. */
const patience = 3

/**
 * Asks a function of the app. Only `true` and `false` are answers: what throws, is late or says
 * something else gives nothing, and the operator is told.
 */
export async function askApp(
  { events }: Pick<Context, 'events'>,
  name: 'challenge' | 'sendingEnabled' | 'knows',
  ask: () => boolean | Promise<boolean>,
): Promise<boolean | undefined> {
  let what = `gave no answer within ${patience} s`
  try {
    const answer: unknown = await atMost(
      patience,
      (async () => ask())().then((given: unknown) => ({ given })),
    )
    if (answer !== undefined) {
      const { given } = answer as { given: unknown }
      if (typeof given === 'boolean') return given
      what = 'answered neither true nor false'
    }
  } catch {
    // Its text is the app's, and may say whom it was about.
    what = 'threw'
  }
  const message = `"${name}" ${what}`
  events.emit({ type: 'error', step: name, code: 'ERR_OTP_MISUSE', message })
  return undefined
}

/** @throws {OtpError} `ERR_OTP_BUDGET` when the app has switched messages off */
export async function requireSending(context: Context): Promise<void> {
  const { sendingEnabled } = context.options
  if (!sendingEnabled) return
  if ((await askApp(context, 'sendingEnabled', sendingEnabled)) === true) return
  throw new OtpError('ERR_OTP_BUDGET', 'Messages are switched off', {
    processed: 'no',
    retryAfter: 60,
  })
}

/**
 * Whether this number gets a message. With `knows` the others get all but that.
 *
 * @throws {OtpError} when the app does not say
 */
export async function isKnown(context: Context, number: string): Promise<boolean> {
  const { knows } = context.options
  if (!knows) return true
  const known = await askApp(context, 'knows', () => knows(number))
  if (known !== undefined) return known
  throw new OtpError(
    'ERR_OTP_PROVIDER_UNAVAILABLE',
    '"knows" did not say whether somebody has this number',
    { processed: 'no' },
  )
}
