import { lintTemplate, type TemplateFinding, type TemplateRule } from '../../tyntec/templates.js'
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

export interface Finding {
  rule: TemplateRule
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
  const segmentation = segment(text)
  const originBound = parseOriginBound(text)
  // The rules are those of templates: where the code stands is where it would be put.
  const template = expected === undefined ? text : text.replaceAll(expected, '{{OTP}}')
  const codeLength = expected?.length
  const spoken = channel === 'voice'
  const findings = lintTemplate(template, {
    channel: spoken ? 'voice' : 'sms',
    host: channel === 'sms' ? host : undefined,
    codeLength,
    sender,
  })
    .filter(({ rule }) => channel !== 'whatsapp' || !ofSms.has(rule))
    .map((finding) => shown(finding, segmentation))
  if (channel === 'whatsapp' && originBound) {
    const detail = 'Browsers read the line @host #code in an SMS only.'
    findings.push({ rule: 'voice-has-webotp', level: 'hint', detail })
  }
  if (channel === 'sms' && !originBound && !findings.some(({ rule }) => isOfLine.test(rule))) {
    const line = `@${host ?? 'login.example.com'} #${expected ?? 'code'}`
    const detail = `With a last line ${line}, browsers fill the code in, and on no other site.`
    findings.push({ rule: 'webotp-last-line', level: 'hint', detail })
  }
  return { ...segmentation, originBound, findings }
}

/** What does not matter for a message that is paid as one, however long. */
const ofSms: ReadonlySet<TemplateRule> = new Set([
  'webotp-last-line',
  'webotp-host-mismatch',
  'webotp-trailing-text',
  'long-first-sentence',
  'too-long-140',
  'segments>1',
  'ucs2',
])

const isOfLine = /^webotp-/

function shown({ rule, level, text, fix }: TemplateFinding, { because }: Segmentation): Finding {
  const which = rule === 'ucs2' && because !== undefined ? ` (${JSON.stringify(because)})` : ''
  return { rule, level, detail: `${text}${which}. ${fix.replace(/\.$/, '')}.` }
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
