import { segment, type Segmentation } from './segments.js'

export type TextChannel = 'sms' | 'voice' | 'whatsapp'

export interface TextToCheck {
  /** A message as it arrived, or a template with `{{OTP}}`. */
  text: string
  channel: TextChannel
  /** What the text has to hold; for a template, what stands for `{{OTP}}`. */
  code?: string | undefined
  /** The host of the page that the code is entered on. */
  host?: string | undefined
  sender?: string | undefined
}

export type TextRule =
  | 'no-otp-placeholder'
  | 'webotp-last-line'
  | 'webotp-trailing-text'
  | 'webotp-host-mismatch'
  | 'code-not-early'
  | 'long-first-sentence'
  | 'too-long-140'
  | 'segments>1'
  | 'ucs2'
  | 'voice-has-webotp'
  | 'has-link'
  | 'sender-too-long'

export interface Finding {
  rule: TextRule
  /** `error`: something does not work. `warning`: it costs or fails for some. `hint`: it could do more. */
  level: 'error' | 'warning' | 'hint'
  detail: string
}

export interface TextCheck extends Segmentation {
  /** The last line as browsers read it: where they fill the code in. */
  originBound: { host: string; code: string } | null
  findings: Finding[]
}

const exampleCode = '424242'

/** Says what a text costs as SMS, and what in it keeps codes from being read or filled in. */
export function checkText({ text: given, channel, code, host, sender }: TextToCheck): TextCheck {
  const expected = code ?? (given.includes('{{OTP}}') ? exampleCode : undefined)
  const text = given.replaceAll('{{OTP}}', expected ?? '').replaceAll('{{SEC}}', '300')
  const originBound = parseOriginBound(text)
  const findings: Finding[] = []
  const find = (level: Finding['level'], rule: TextRule, detail: string) =>
    findings.push({ level, rule, detail })

  if (expected === undefined) find('error', 'no-otp-placeholder', 'The text has no {{OTP}}.')
  else if (!text.includes(expected)) {
    find('error', 'no-otp-placeholder', 'The code is not in the text.')
  }

  const segmentation = segment(text)
  if (channel === 'sms') {
    checkLastLine(text, originBound, { code: expected, host }, find)
    checkSize(text, segmentation, originBound !== null, find)
  } else if (originLine.test(text)) {
    const other = channel === 'voice' ? 'A call reads it out' : 'Browsers read it in an SMS only'
    find(
      channel === 'voice' ? 'error' : 'hint',
      'voice-has-webotp',
      `${other}: the line @host #code.`,
    )
  }

  const [sentence = ''] = text.split(/(?<=[.!?])\s|\n/, 1)
  if (expected !== undefined && text.includes(expected) && !sentence.includes(expected)) {
    find(
      'warning',
      'code-not-early',
      'Put the code into the first sentence: previews show no more.',
    )
  } else if (channel === 'sms' && sentence.length > 60) {
    find(
      'warning',
      'long-first-sentence',
      'End the first sentence right after the code. Some phones find no code in a long one.',
    )
  }
  if (/https?:\/\/|www\.|\b[a-z0-9-]+\.[a-z]{2,}\/\S/i.test(text)) {
    find('warning', 'has-link', 'Links in messages with codes train people to follow them.')
  }
  if (sender !== undefined && !/^\+?[0-9]{3,15}$/.test(sender) && sender.length > 11) {
    find('error', 'sender-too-long', 'A sender of letters has up to 11 characters.')
  }
  return { ...segmentation, originBound, findings }
}

type Find = (level: Finding['level'], rule: TextRule, detail: string) => void

/** Like a line for browsers, however wrong. */
const originLine = /^@\S+[ \t]+#\S/m

function checkLastLine(
  text: string,
  originBound: TextCheck['originBound'],
  { code, host }: { code: string | undefined; host: string | undefined },
  find: Find,
): void {
  if (!originBound) {
    const lines = text.split('\n')
    if (lines.some((line) => parseLine(line) !== null)) {
      find(
        'error',
        'webotp-trailing-text',
        'Something follows the line @host #code, so browsers do not read it. It must be the last line.',
      )
      return
    }
    if (originLine.test(text)) {
      find(
        'error',
        'webotp-last-line',
        'The line for browsers is @host, one space, #code: no scheme, no port, no path.',
      )
      return
    }
    find(
      'hint',
      'webotp-last-line',
      `With a last line @${host ?? 'login.example.com'} #${code ?? 'code'}, browsers fill the code in, and on no other site.`,
    )
    return
  }
  if (code !== undefined && originBound.code !== code) {
    find('error', 'webotp-last-line', 'The last line has another code than the text.')
  }
  if (host !== undefined && originBound.host !== host.toLowerCase()) {
    find(
      'error',
      'webotp-host-mismatch',
      `The last line names ${originBound.host}, the page is on ${host}: nothing is filled in.`,
    )
  }
}

function checkSize(text: string, { segments, because }: Segmentation, bound: boolean, find: Find) {
  if (because !== undefined) {
    find(
      'warning',
      'ucs2',
      `${JSON.stringify(because)} is not in the SMS alphabet, so the message has room for 70 characters, not 160.`,
    )
  }
  if (segments > 1) find('warning', 'segments>1', `It is paid as ${segments} messages.`)
  if (bound && text.length > 140) {
    find('warning', 'too-long-140', 'Over 140 characters, browsers may not read the last line.')
  }
}

/** The algorithm of "Origin-bound one-time codes delivered via SMS": the last line decides. */
function parseOriginBound(text: string): TextCheck['originBound'] {
  return parseLine(text.slice(text.lastIndexOf('\n') + 1))
}

function parseLine(line: string): TextCheck['originBound'] {
  const { host, code } =
    /^@(?<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?) #(?<code>[^\s#]+)(?:\s|$)/i.exec(line)?.groups ??
    {}
  return host === undefined || code === undefined ? null : { host: host.toLowerCase(), code }
}
