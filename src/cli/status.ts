import { readArguments } from './arguments.js'
import type { Command } from './command.js'
import { eventFields, otpFields } from './otp-fields.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

export const status: Command = {
  help: `Usage: passport-tyntec-otp status <otpId> [options]

Shows an OTP and the events of its messages. Exit code 1 when tyntec doesn't know it.

${clientHelp}

Example:
  passport-tyntec-otp status af145b90-c68b-4042-9e7a-1c3f866f2161
`,
  async run(args, around) {
    const { values, positionals } = readArguments(args, clientFlags, ['otpId'])
    const [otpId = ''] = positionals
    const [otp, events] = await withClient(around, values, (client) =>
      Promise.all([client.otp.read(otpId), client.otp.events(otpId)]),
    )
    if (!otp) {
      around.err('tyntec knows no such OTP.\n')
      return 1
    }
    print(around, values.json, { ...otp, events }, { ...otpFields(otp), ...eventFields(events) })
    return 0
  },
}
