import type { Application, ApplicationParameters } from '../tyntec/index.js'
import { given, readArguments, wholeNumber, yesOrNo } from './arguments.js'
import { type Command, group, UsageError } from './command.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

const settingFlags = {
  ...clientFlags,
  name: { type: 'string' },
  attempts: { type: 'string' },
  expire: { type: 'string' },
  'pin-length': { type: 'string' },
  alphanumeric: { type: 'string' },
  sender: { type: 'string' },
  caller: { type: 'string' },
} as const

const settingHelp = `  --name <text>         Not "default"
  --attempts <n>        Tries at one code
  --expire <seconds>    From 30 to 7200; over 600 is longer than this package lets a code live
  --pin-length <n>      From 4 to 10
  --alphanumeric <yes>  yes or no: letters in codes
  --sender <name>       Sender of SMS
  --caller <number>     Caller of voice calls`

function settingsOf(
  values: Partial<Record<Exclude<keyof typeof settingFlags, 'json'>, string>>,
): ApplicationParameters {
  return given({
    name: values.name,
    attempts: wholeNumber('attempts', values.attempts),
    expire: wholeNumber('expire', values.expire),
    pinLength: wholeNumber('pin-length', values['pin-length']),
    alphanumeric: yesOrNo('alphanumeric', values.alphanumeric),
    sender: values.sender,
    caller: values.caller,
  })
}

function fieldsOf({ template = {}, accountId: _accountId, ...application }: Application) {
  const { applicationId, name, attempts, expire, pinLength, alphanumeric, sender, caller } =
    application
  const texts = Object.entries(template).map(([of, text]) => [`template ${of}`, text] as const)
  return {
    applicationId,
    name,
    attempts,
    expire,
    pinLength,
    alphanumeric,
    sender,
    caller,
    ...Object.fromEntries(texts),
  }
}

const list: Command = {
  help: `Usage: passport-tyntec-otp applications list [options]

${clientHelp}
`,
  async run(args, around) {
    const { values } = readArguments(args, clientFlags)
    const found = await withClient(around, values, (client) => client.applications.list())
    if (values.json) print(around, true, found, {})
    for (const [i, application] of values.json ? [] : found.entries()) {
      if (i > 0) around.out('\n')
      print(around, false, application, fieldsOf(application))
    }
    return 0
  },
}

const create: Command = {
  help: `Usage: passport-tyntec-otp applications create [options]

What is not given gets tyntec's default.

${settingHelp}
${clientHelp}

Example:
  passport-tyntec-otp applications create --name login --expire 300 --attempts 3 --pin-length 6
`,
  async run(args, around) {
    const { values } = readArguments(args, settingFlags)
    const parameters = settingsOf(values)
    const made = await withClient(around, values, (client) =>
      client.applications.create(parameters),
    )
    print(around, values.json, made, fieldsOf(made))
    return 0
  },
}

const edit: Command = {
  help: `Usage: passport-tyntec-otp applications edit <applicationId|default> [options]

Changes what is given and nothing else.

${settingHelp}
  --delete-caller       Take the caller away
${clientHelp}

Example:
  passport-tyntec-otp applications edit default --attempts 3 --expire 300
`,
  async run(args, around) {
    const flags = { ...settingFlags, 'delete-caller': { type: 'boolean' } } as const
    const { values, positionals } = readArguments(args, flags, ['applicationId'])
    const { alphanumeric, ...rest } = settingsOf(values)
    const changes = given({
      ...rest,
      alphaNumeric: alphanumeric,
      deleteCaller: values['delete-caller'],
    })
    if (Object.keys(changes).length === 0) throw new UsageError('No change is given')
    const edited = await withClient(around, values, (client) =>
      client.applications.edit(positionals[0] ?? '', changes),
    )
    print(around, values.json, edited, fieldsOf(edited))
    return 0
  },
}

const remove: Command = {
  help: `Usage: passport-tyntec-otp applications delete <applicationId> [options]

Codes that were sent with it can be neither resent nor checked from then on. Exit code 1 when tyntec doesn't
know it.

${clientHelp}
`,
  async run(args, around) {
    const { values, positionals } = readArguments(args, clientFlags, ['applicationId'])
    const deleted = await withClient(around, values, (client) =>
      client.applications.delete(positionals[0] ?? ''),
    )
    print(around, values.json, { deleted }, { deleted })
    return deleted ? 0 : 1
  },
}

export const applications = group('applications', 'Show and change how codes look', {
  list,
  create,
  edit,
  delete: remove,
})
