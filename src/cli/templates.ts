import { readFile } from 'node:fs/promises'
import type { Application, TyntecClient } from '../tyntec/index.js'
import { lintTemplates, templateName } from '../tyntec/templates.js'
import { readArguments } from './arguments.js'
import { type Command, group, type Surroundings, UsageError } from './command.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

type Templates = Record<string, string>

const flags = {
  ...clientFlags,
  application: { type: 'string' },
  host: { type: 'string' },
  sender: { type: 'string' },
} as const

const applicationHelp = `  --application <id>    The tyntec application (default: default)`
const lintHelp = `  --host <host>         Host of the login page, for the last line of SMS templates
  --sender <name>       In place of the application's`

async function readApplication(client: TyntecClient, id = 'default'): Promise<Application> {
  const application = await client.applications.read(id)
  if (!application) throw new UsageError('tyntec knows no such application')
  return application
}

/** A file, or standard input for `-`, that holds templates by name. */
async function readTemplates(file: string, around: Surroundings): Promise<Templates> {
  const text = file === '-' ? await around.read() : await readFile(file, 'utf8').catch(unreadable)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UsageError('The file is not JSON')
  }
  const isTemplates =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((template) => typeof template === 'string')
  if (!isTemplates) throw new UsageError('The file must hold an object of texts by language')
  return value as Templates
}

function unreadable(): never {
  throw new UsageError('The file can not be read')
}

const pull: Command = {
  help: `Usage: passport-tyntec-otp templates pull [options]

Prints them as JSON, by language: { "en": "...", "en-voice": "..." }.

${applicationHelp}
${clientHelp}

Example:
  passport-tyntec-otp templates pull > templates.json
`,
  async run(args, around) {
    const { values } = readArguments(args, { ...clientFlags, application: { type: 'string' } })
    const { template = {} } = await withClient(around, values, (client) =>
      readApplication(client, values.application),
    )
    print(around, true, template, {})
    return 0
  },
}

const push: Command = {
  help: `Usage: passport-tyntec-otp templates push <file|-> [options]

Saves the templates of a file in the form of "pull" that are not the same at tyntec already. Those that are
missing in the file stay. With an error in one of them nothing is saved, and the exit code is 1.
Codes that were sent before may not be checked any more, says tyntec: do it at a quiet hour.

${applicationHelp}
${lintHelp}
  --force               Save them in spite of errors
${clientHelp}

Example:
  passport-tyntec-otp templates push templates.json --host login.example.com
`,
  async run(args, around) {
    const { values, positionals } = readArguments(args, { ...flags, force: { type: 'boolean' } }, [
      'file',
    ])
    const templates = await readTemplates(positionals[0] ?? '', around)
    return withClient(around, values, async (client) => {
      const id = values.application ?? 'default'
      const application = await readApplication(client, id)
      const found = lintTemplates(templates, {
        host: values.host,
        sender: values.sender ?? application.sender,
      })
      for (const finding of found) around.err(lineOf(finding))
      if (!values.force && found.some(({ level }) => level === 'error')) {
        around.err('Nothing was saved. --force saves them as they are.\n')
        return 1
      }
      const saved: string[] = []
      for (const [name, text] of Object.entries(templates)) {
        if (application.template?.[name] === text) continue
        const { language, channel } = templateName(name)
        await client.applications.setTemplate(id, {
          language,
          text,
          ...(channel && { channel: channel === 'voice' ? 'VOICE' : 'SMS' }),
        })
        saved.push(name)
      }
      print(around, values.json, { saved }, { saved: saved.join(', ') || 'none, all are the same' })
      return 0
    })
  },
}

const lint: Command = {
  help: `Usage: passport-tyntec-otp templates lint [file|-] [options]

Looks at the templates of a file in the form of "pull", or without one at those that tyntec has. Prints one line per
finding; exit code 1 when there is one.

${applicationHelp}
${lintHelp}
${clientHelp}

Example:
  passport-tyntec-otp templates lint templates.json --host login.example.com
`,
  async run(args, around) {
    const { values, positionals } = readArguments(args, flags, ['file?'])
    const [file] = positionals
    const application: Pick<Application, 'template' | 'sender'> =
      file === undefined
        ? await withClient(around, values, (client) => readApplication(client, values.application))
        : { template: await readTemplates(file, around) }
    const found = lintTemplates(application.template ?? {}, {
      host: values.host,
      sender: values.sender ?? application.sender,
    })
    if (values.json) print(around, true, found, {})
    else for (const finding of found) around.out(lineOf(finding))
    if (found.length === 0) around.err('Nothing to say against the templates.\n')
    return found.length === 0 ? 0 : 1
  },
}

function lineOf(finding: ReturnType<typeof lintTemplates>[number]): string {
  const { level, template, rule, text, fix } = finding
  return `${level.padEnd(7)}  ${template}  ${rule}  ${text}. ${fix}.\n`
}

export const templates = group('templates', 'Show, save and judge the texts of messages', {
  pull,
  push,
  lint,
})
