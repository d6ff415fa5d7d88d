import type { ChatMessage } from '../tyntec/index.js'
import { oneOf, readArguments } from './arguments.js'
import { type Command, group, UsageError } from './command.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

const send: Command = {
  help: `Usage: passport-tyntec-otp chat send <number> --channel <name> --from <account> [options]

Sends a text, or a template with its parameters. Channels are tried in their order until one delivers.

  --channel <name>      whatsapp, sms or tyntecEcho; once for each
  --from <account>      The sender on all of them
  --text <text>         A text
  --template <id>       A template in place of a text
  --parameter <text>    A value of the template; once for each
  --language <code>     Language of the template (default: en)
  --policy <name>       deterministic, or fallback where the template has not that language (default: fallback)
${clientHelp}

Examples:
  passport-tyntec-otp chat send +12015550100 --channel tyntecEcho --from 1233423454 --text "Hello"
  passport-tyntec-otp chat send +12015550100 --channel whatsapp --from 4915112345678 --template welcome_message --parameter "Mr. Doe"
`,
  async run(args, around) {
    const { values, positionals } = readArguments(
      args,
      {
        ...clientFlags,
        channel: { type: 'string', multiple: true },
        from: { type: 'string' },
        text: { type: 'string' },
        template: { type: 'string' },
        parameter: { type: 'string', multiple: true },
        language: { type: 'string' },
        policy: { type: 'string' },
      },
      ['number'],
    )
    const { channel: channels, from, text, template } = values
    if (channels === undefined) throw new UsageError('--channel is missing')
    if (from === undefined) throw new UsageError('--from is missing')
    if ((text === undefined) === (template === undefined)) {
      throw new UsageError('Either --text or --template is needed')
    }
    const policy = oneOf('policy', values.policy, ['deterministic', 'fallback']) ?? 'fallback'
    const message: ChatMessage = {
      to: positionals[0] ?? '',
      channels,
      defaultContent:
        template === undefined
          ? { from, contentType: 'text', text: text ?? '' }
          : {
              from,
              contentType: 'template',
              template: {
                templateId: template,
                language: { policy, code: values.language ?? 'en' },
                parameters: (values.parameter ?? []).map((value) => ({ default: value })),
              },
            },
    }
    const sent = await withClient(around, values, (client) => client.chat.send(message))
    const { messageId, acceptedAt } = sent
    print(around, values.json, sent, { messageId, acceptedAt })
    return 0
  },
}

const status: Command = {
  help: `Usage: passport-tyntec-otp chat status <messageId> [options]

Exit code 1 when tyntec doesn't know it.

  --history             Every step of it as well
${clientHelp}
`,
  async run(args, around) {
    const flags = { ...clientFlags, history: { type: 'boolean' } } as const
    const { values, positionals } = readArguments(args, flags, ['messageId'])
    const [messageId = ''] = positionals
    const [found, steps] = await withClient(around, values, (client) =>
      Promise.all([
        client.chat.status(messageId),
        values.history ? client.chat.history(messageId) : undefined,
      ]),
    )
    if (!found) {
      around.err('tyntec knows no such message.\n')
      return 1
    }
    const history = steps?.history.map(({ happendAt, deliveryChannel, state }, i) => [
      `step ${i + 1}`,
      [happendAt, deliveryChannel, state].filter(Boolean).join('  '),
    ])
    print(
      around,
      values.json,
      { ...found, ...(steps && { history: steps.history }) },
      {
        messageId: found.messageId,
        status: found.status,
        channel: found.deliveryChannel,
        ...Object.fromEntries(history ?? []),
      },
    )
    return 0
  },
}

export const chat = group('chat', 'Send a message through WhatsApp and others, or follow one', {
  send,
  status,
})
