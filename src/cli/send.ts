import { given, oneOf, readArguments, wholeNumber } from './arguments.js'
import type { Command } from './command.js'
import { channels, otpFields } from './otp-fields.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

export const send: Command = {
  help: `Usage: passport-tyntec-otp send <number> [options]

Asks tyntec to send a code, which is a message that costs money, and prints what it answers.

  --via <channel>       sms, voice or auto (default: sms)
  --application <id>    The tyntec application (default: the account's)
  --country <code>      ISO 3166-1, for a number without its country code
  --language <code>     ISO 639-1
  --pin-length <n>      Characters of the code (default: 6)
  --reference <text>    Comes back in tyntec's list
  --sender <name>       In place of the application's
  --caller <number>     In place of the application's
${clientHelp}

Examples:
  passport-tyntec-otp send +12015550100
  passport-tyntec-otp send +12015550100 --via voice --language en --json
`,
  async run(args, around) {
    const { values, positionals } = readArguments(
      args,
      {
        ...clientFlags,
        via: { type: 'string' },
        application: { type: 'string' },
        country: { type: 'string' },
        language: { type: 'string' },
        'pin-length': { type: 'string' },
        reference: { type: 'string' },
        sender: { type: 'string' },
        caller: { type: 'string' },
      },
      ['number'],
    )
    const parameters = given({
      number: positionals[0] ?? '',
      via: oneOf('via', values.via, channels) ?? 'SMS',
      pinLength: wholeNumber('pin-length', values['pin-length']) ?? 6,
      applicationId: values.application,
      country: values.country,
      language: values.language,
      referenceId: values.reference,
      sender: values.sender,
      caller: values.caller,
    })
    const otp = await withClient(around, values, (client) => client.otp.send(parameters))
    print(around, values.json, otp, otpFields(otp))
    return 0
  },
}
