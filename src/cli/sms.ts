import type { SmsMessage } from '../tyntec/index.js'
import { given, oneOf, readArguments, wholeNumber } from './arguments.js'
import { type Command, group, UsageError } from './command.js'
import { print } from './print.js'
import { clientFlags, clientHelp, withClient } from './settings.js'

function fieldsOf(message: SmsMessage) {
  const { requestId, status, to, from, reference, size, submitDate, doneDate } = message
  const { errorCode, errorReason } = message
  return {
    requestId,
    status,
    to,
    from,
    reference,
    parts: size,
    submitDate,
    doneDate,
    errorCode,
    errorReason,
  }
}

const send: Command = {
  help: `Usage: passport-tyntec-otp sms send <number> --from <sender> [options]

Sends the text of --text or of standard input. Each part of it costs money.

  --from <sender>       A number, or up to 11 letters and digits
  --text <text>         The text (default: standard input)
  --reference <text>    Comes back in delivery reports
  --encoding <name>     auto, gsm7 or unicode (default: auto)
  --part-limit <n>      Parts that the text may take
  --validity <minutes>  How long tyntec tries
  --callback-url <url>  Where delivery reports go
${clientHelp}

Example:
  passport-tyntec-otp sms send +12015550100 --from ACME --text "Hello"
`,
  async run(args, around) {
    const { values, positionals } = readArguments(
      args,
      {
        ...clientFlags,
        from: { type: 'string' },
        text: { type: 'string' },
        reference: { type: 'string' },
        encoding: { type: 'string' },
        'part-limit': { type: 'string' },
        validity: { type: 'string' },
        'callback-url': { type: 'string' },
      },
      ['number'],
    )
    if (values.from === undefined) throw new UsageError('--from is missing')
    const message = values.text ?? (await around.read()).trimEnd()
    if (message === '') throw new UsageError('The text is missing')
    const minutes = wholeNumber('validity', values.validity)
    const parameters = given({
      to: positionals[0] ?? '',
      from: values.from,
      message,
      reference: values.reference,
      encoding: oneOf('encoding', values.encoding, ['AUTO', 'GSM7', 'UNICODE']),
      partLimit: wholeNumber('part-limit', values['part-limit']),
      validity: minutes === undefined ? undefined : String(minutes),
      callbackUrl: values['callback-url'],
    })
    const sent = await withClient(around, values, (client) => client.sms.send(parameters))
    print(around, values.json, sent, fieldsOf(sent))
    return 0
  },
}

const status: Command = {
  help: `Usage: passport-tyntec-otp sms status <requestId> [options]

Exit code 1 when tyntec doesn't know it.

${clientHelp}
`,
  async run(args, around) {
    const { values, positionals } = readArguments(args, clientFlags, ['requestId'])
    const message = await withClient(around, values, (client) =>
      client.sms.status(positionals[0] ?? ''),
    )
    if (!message) {
      around.err('tyntec knows no such message.\n')
      return 1
    }
    print(around, values.json, message, fieldsOf(message))
    return 0
  },
}

export const sms = group('sms', 'Send a text, or show what has become of one', { send, status })
