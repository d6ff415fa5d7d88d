import { readArguments } from './arguments.js'
import { type Command, UsageError } from './command.js'
import { otpFields } from './otp-fields.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

export const check: Command = {
  help: `Usage: passport-tyntec-otp check <otpId> [code] [options]

Tries a code, which counts as an attempt. Without one it is read from standard input, where neither the list of
processes nor the history of the shell shows it. Exit code 0 only when the code is right.

${clientHelp}

Examples:
  passport-tyntec-otp check af145b90-c68b-4042-9e7a-1c3f866f2161
  passport-tyntec-otp check af145b90-c68b-4042-9e7a-1c3f866f2161 --json < code.txt
`,
  async run(args, around) {
    const { values, positionals } = readArguments(args, clientFlags, ['otpId', 'code?'])
    const [otpId = '', typed] = positionals
    const code = (typed ?? (await around.read())).trim()
    if (code === '') throw new UsageError('The code is missing')
    const answer = await withClient(around, values, (client) => client.otp.check(otpId, code))
    const end = answer.result === 'over' ? answer.end : undefined
    const fields = answer.otp ? otpFields(answer.otp) : {}
    print(around, values.json, answer, { result: answer.result, end, ...fields })
    return answer.result === 'valid' ? 0 : 1
  },
}
