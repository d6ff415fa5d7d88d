import { given, oneOf, readArguments } from './arguments.js'
import type { Command } from './command.js'
import { channels, otpFields } from './otp-fields.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

export const resend: Command = {
  help: `Usage: passport-tyntec-otp resend <otpId> [options]

Sends the code of an OTP that is still valid once more. Exit code 1 when it is over or unknown.

  --via <channel>       sms, voice or auto (default: tyntec's, which is auto)
  --sender <name>       In place of the application's
  --caller <number>     In place of the application's
${clientHelp}

Example:
  passport-tyntec-otp resend af145b90-c68b-4042-9e7a-1c3f866f2161 --via voice
`,
  async run(args, around) {
    const { values, positionals } = readArguments(
      args,
      {
        ...clientFlags,
        via: { type: 'string' },
        sender: { type: 'string' },
        caller: { type: 'string' },
      },
      ['otpId'],
    )
    const parameters = given({
      via: oneOf('via', values.via, channels),
      sender: values.sender,
      caller: values.caller,
    })
    const answer = await withClient(around, values, (client) =>
      client.otp.resend(positionals[0] ?? '', parameters),
    )
    const fields = answer.result === 'sent' ? otpFields(answer.otp) : {}
    print(around, values.json, answer, { result: answer.result, ...fields })
    return answer.result === 'sent' ? 0 : 1
  },
}
