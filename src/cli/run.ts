import { OtpError } from '../errors.js'
import { version } from '../tyntec/version.js'
import { type Command, runCommand, type Surroundings, UsageError } from './command.js'
import { plain } from './print.js'

/** Each is loaded only when it is run. */
const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  sandbox: {
    summary: "Start tyntec's API, simulated, on this machine",
    load: async () => (await import('./sandbox.js')).sandbox,
  },
  doctor: {
    summary: 'Find what is set up wrong',
    load: async () => (await import('./doctor.js')).doctor,
  },
  secret: {
    summary: 'Make a secret for createOtpFlow',
    load: async () => (await import('./secret.js')).secret,
  },
  unlock: {
    summary: 'Let the owner of a number sign in again',
    load: async () => (await import('./unlock.js')).unlock,
  },
  send: {
    summary: 'Send a code to a number',
    load: async () => (await import('./send.js')).send,
  },
  resend: {
    summary: 'Send the same code again',
    load: async () => (await import('./resend.js')).resend,
  },
  check: {
    summary: 'Try a code',
    load: async () => (await import('./check.js')).check,
  },
  status: {
    summary: 'Show what has become of a code',
    load: async () => (await import('./status.js')).status,
  },
  applications: {
    summary: 'Show and change how codes look',
    load: async () => (await import('./applications.js')).applications,
  },
  templates: {
    summary: 'Show, save and judge the texts of messages',
    load: async () => (await import('./templates.js')).templates,
  },
  sms: {
    summary: 'Send a text, or show what has become of one',
    load: async () => (await import('./sms.js')).sms,
  },
  chat: {
    summary: 'Send a message through WhatsApp and others, or follow one',
    load: async () => (await import('./chat.js')).chat,
  },
}

const help = `Usage: passport-tyntec-otp <command> [options]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}  ${summary}`)
  .join('\n')}

Options:
  --help      Show this help, or a command's when it follows one
  --version   Show the version

Settings come from flags or the environment: TYNTEC_API_KEY, TYNTEC_BASE_URL, REDIS_URL, OTP_SECRET. Secrets come
from the environment alone. Data goes to standard output, the rest to standard error.

Exit codes: 0 done, 1 failed or found a fault, 2 wrong usage
`

/** Runs a command line, and gives its exit code. */
export async function main(args: string[], around: Surroundings): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h') {
    around.out(help)
    return 0
  }
  if (name === '--version') {
    around.out(`${version}\n`)
    return 0
  }
  try {
    const found = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!found) {
      const problem =
        name === undefined ? 'A command is missing' : `Unknown command: ${plain(name)}`
      throw new UsageError(
        `${problem}. Usage: passport-tyntec-otp <${Object.keys(commands).join('|')}>`,
      )
    }
    return await runCommand(await found.load(), rest, around)
  } catch (error) {
    if (error instanceof UsageError) {
      around.err(`${plain(error.message)}\n`)
      return 2
    }
    around.err(`${plain(messageOf(error))}\n`)
    return isMisuse(error) ? 2 : 1
  }
}

/** Only our own errors are known to hold no secret. */
function messageOf(error: unknown): string {
  if (error instanceof OtpError) return `${error.message.replace(/\.$/, '')} (${error.code})`
  return error instanceof Error ? `Failed: ${error.name}` : 'Failed'
}

/** A value of the command line that can't be sent. */
function isMisuse(error: unknown): boolean {
  return error instanceof OtpError && error.code === 'ERR_OTP_MISUSE'
}
