/** What a command has of its process, so that a test can give it. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  /** Data. */
  out(text: string): void
  /** Everything that is not data. */
  err(text: string): void
  /** All of standard input. */
  read(): Promise<string>
  /** Resolves when the command is asked to end. */
  ended(): Promise<void>
}

export interface Command {
  /** Its first line shows the form of the command. */
  help: string
  /** Resolves with the exit code: 0, or 1 where a fault was found. */
  run(args: string[], around: Surroundings): Promise<number>
  /** Of a name that stands before others, `applications list`. */
  commands?: Readonly<Record<string, Command>>
}

/** The command line was wrong, which is exit code 2 and one line. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Several commands under one name, `applications list`. */
export function group(name: string, summary: string, commands: Record<string, Command>): Command {
  const forms = Object.values(commands).map(({ help }) => help.slice(0, help.indexOf('\n')))
  const help = `Usage: passport-tyntec-otp ${name} <${Object.keys(commands).join('|')}> [options]

${summary}.

${forms.map((form) => `  ${form.replace('Usage: ', '')}`).join('\n')}

Each takes --help.
`
  return {
    help,
    commands,
    async run() {
      throw new UsageError(`${name} needs one of ${Object.keys(commands).join(', ')}`)
    },
  }
}

export async function runCommand(
  command: Command,
  args: string[],
  around: Surroundings,
): Promise<number> {
  const [first, ...rest] = args
  const next = commandOf(command.commands ?? {}, first)
  if (next) return runCommand(next, rest, around)
  if (args.includes('--help') || args.includes('-h')) {
    around.out(command.help)
    return 0
  }
  try {
    return await command.run(args, around)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const [usage] = command.help.split('\n')
    throw new UsageError(`${error.message}. ${usage}`, { cause: error })
  }
}

function commandOf(
  commands: Readonly<Record<string, Command>>,
  name: string | undefined,
): Command | undefined {
  return name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
}
