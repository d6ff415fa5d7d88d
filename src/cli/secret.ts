import { randomBytes } from 'node:crypto'
import { readArguments } from './arguments.js'
import type { Command } from './command.js'

export const secret: Command = {
  help: `Usage: passport-tyntec-otp secret [--json]

Prints 32 random bytes as text, for OTP_SECRET. To rotate, put the new one before the old one:
secret: [process.env.OTP_SECRET, process.env.OLD_OTP_SECRET].

  --json   Print JSON
  --help   Show this help

Example:
  echo "OTP_SECRET=$(npx passport-tyntec-otp secret)" >> .env
`,
  async run(args, { out }) {
    const { values } = readArguments(args, { json: { type: 'boolean' } })
    const made = randomBytes(32).toString('base64url')
    out(values.json ? `${JSON.stringify({ secret: made })}\n` : `${made}\n`)
    return 0
  },
}
