import { readArguments } from './arguments.js'
import { type Command, UsageError } from './command.js'
import { connect } from './connection.js'

export const unlock: Command = {
  help: `Usage: passport-tyntec-otp unlock <number> [options]

Forgets the failed checks and the waits of a number, as flow.unlock(number) does: for the support desk, once
it is known who asks.

  --name <name>      The flow's name (default: login)
  --prefix <prefix>  What every key starts with (default: tyntec-otp:)
  --json             Print JSON
  --help             Show this help

Needs ioredis or redis to be installed, and from the environment REDIS_URL and OTP_SECRET. Of several secrets, as in
rotation, write the first one first, with commas between them.

Example:
  passport-tyntec-otp unlock +12015550100
`,
  async run(args, around) {
    const { values, positionals } = readArguments(
      args,
      { name: { type: 'string' }, prefix: { type: 'string' }, json: { type: 'boolean' } },
      ['number'],
    )
    const { OTP_SECRET, REDIS_URL } = around.env
    if (!OTP_SECRET) throw new UsageError('OTP_SECRET is not set')
    if (!REDIS_URL) throw new UsageError('REDIS_URL is not set')
    const { createOtpFlow, redisStore, OtpError } = await import('../index.js')
    const connection = await connect(REDIS_URL).catch((error: unknown) => {
      if (error instanceof UsageError) throw error
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'Redis can not be reached')
    })
    try {
      const client = connection.client as Parameters<typeof redisStore>[0] // of one of its libraries
      const flow = createOtpFlow({
        // Nothing is sent.
        apiKey: 'unlock',
        countries: 'any',
        origin: 'https://unlock.invalid',
        secret: OTP_SECRET.split(','),
        store: redisStore(client, {
          timeout: 5,
          ...(values.prefix !== undefined && { prefix: values.prefix }),
        }),
        ...(values.name !== undefined && { name: values.name }),
        validate: false,
      })
      await flow.unlock(positionals[0] ?? '')
      await flow.drain()
    } catch (error) {
      const isOption = error instanceof OtpError && error.code === 'ERR_OTP_OPTIONS'
      throw isOption ? new UsageError(error.message.replace(/\.$/, ''), { cause: error }) : error
    } finally {
      connection.close()
    }
    if (values.json) around.out(`${JSON.stringify({ unlocked: true })}\n`)
    else around.out('unlocked\n')
    return 0
  },
}
