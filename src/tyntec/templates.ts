import { sizeOf } from './sms-text.js'

/** The rules of a template, which stay what they are called. */
export type TemplateRule =
  | 'no-otp-placeholder'
  | 'webotp-last-line'
  | 'webotp-host-mismatch'
  | 'webotp-trailing-text'
  | 'code-not-early'
  | 'long-first-sentence'
  | 'too-long-140'
  | 'segments>1'
  | 'ucs2'
  | 'voice-has-webotp'
  | 'has-link'
  | 'sender-too-long'

export interface TemplateFinding {
  rule: TemplateRule
  /** `error` where codes don't work or don't arrive as they should; `warning` where they could do better. */
  level: 'error' | 'warning'
  text: string
  fix: string
}

export interface TemplateContext {
  /** @default 'sms' */
  channel?: 'sms' | 'voice' | undefined
  /** Host of the login page, without scheme and port. Without it nobody is told that its line is missing. */
  host?: string | undefined
  /** Characters of a code. @default 6 */
  codeLength?: number | undefined
  /** Seconds that `{{SEC}}` stands for. @default 300 */
  seconds?: number | undefined
  sender?: string | undefined
}

/** Characters that notifications show of a message without opening it. */
const glance = 40
const shortSentence = 60

/**
 * What is wrong with the text of a template, or of a message with its code in it. SMS templates are held to
 * origin-bound codes (https://wicg.github.io/sms-one-time-codes/): the last line is `@host #code`.
 */
export function lintTemplate(template: string, context: TemplateContext = {}): TemplateFinding[] {
  const findings = context.channel === 'voice' ? voice(template) : sms(template, context)
  if (!template.includes('{{OTP}}')) {
    findings.unshift({
      rule: 'no-otp-placeholder',
      level: 'error',
      text: 'The template has no {{OTP}}, so no message holds a code',
      fix: 'Write {{OTP}} where the code belongs',
    })
  }
  return findings
}

/** Findings of all templates of an application, each with the name of its template. */
export function lintTemplates(
  templates: Readonly<Record<string, string>>,
  context: Omit<TemplateContext, 'channel'> = {},
): (TemplateFinding & { template: string })[] {
  return Object.entries(templates).flatMap(([template, text]) =>
    lintTemplate(text, { ...context, channel: templateName(template).channel }).map((finding) => ({
      template,
      ...finding,
    })),
  )
}

/** The language and the channel in a name such as `en`, `pt-BR` or `en-voice`. */
export function templateName(name: string): { language: string; channel?: 'sms' | 'voice' } {
  const [, language = name, channel] = /^(.+)-(sms|voice)$/i.exec(name) ?? []
  if (channel === undefined) return { language }
  return { language, channel: channel.toLowerCase() === 'voice' ? 'voice' : 'sms' }
}

/** The host of the login page, by its origins. None where they have several, of which a text can name one only. */
export function hostOf(origins: readonly string[]): string | undefined {
  const https = origins.filter((origin) => origin.startsWith('https://') && URL.canParse(origin))
  const [host, ...others] = new Set(https.map((origin) => new URL(origin).hostname))
  return others.length === 0 ? host : undefined
}

/** The text with the line for browsers at its end. One that has such a line, however it is written, stays as it is. */
export function withLastLine(text: string, host: string | undefined): string {
  if (host === undefined || lineForBrowsers(text.split('\n')) >= 0) return text
  return `${text.trimEnd()}\n\n@${host} #{{OTP}}`
}

function lineForBrowsers(lines: readonly string[]): number {
  return lines.findLastIndex((line) => /^\s*@/.test(line))
}

function voice(template: string): TemplateFinding[] {
  const findings: TemplateFinding[] = []
  if (/[@#]/.test(template)) {
    findings.push({
      rule: 'voice-has-webotp',
      level: 'error',
      text: 'A call would read out the line that is for browsers (@ or #)',
      fix: 'Take it out of the voice template: "Your code is: {{OTP}}. Again: {{OTP}}."',
    })
  }
  if (link.test(template)) findings.push(hasLink)
  return findings
}

function sms(template: string, { host, codeLength = 6, seconds = 300, sender }: TemplateContext) {
  const text = template
    .replaceAll('{{OTP}}', '0'.repeat(codeLength))
    .replaceAll('{{SEC}}', String(seconds))
  const findings: TemplateFinding[] = [...webOtp(template, host)]

  const code = template.indexOf('{{OTP}}')
  const [opening = ''] = /^[^\n.!?]*/.exec(template) ?? []
  if (code >= 0 && (code + codeLength > glance || code > opening.length)) {
    findings.push({
      rule: 'code-not-early',
      level: 'warning',
      text: `The code comes after ${code} characters, behind the first sentence or what a notification shows`,
      fix: 'Begin with it: "{{OTP}} is your ... code."',
    })
  }
  const [sentence = ''] = /^[^\n.!?]*/.exec(text) ?? []
  if (sentence.length > shortSentence) {
    findings.push({
      rule: 'long-first-sentence',
      level: 'warning',
      text: `The first sentence has ${sentence.length} characters, which phones may not search for a code`,
      fix: `Make it ${shortSentence} at most, and end it with a full stop`,
    })
  }
  if (text.length > 140) {
    findings.push({
      rule: 'too-long-140',
      level: 'warning',
      text: `The message has ${text.length} characters; browsers read 140`,
      fix: 'Make it shorter',
    })
  }
  const { encoding, segments } = sizeOf(text)
  if (segments > 1) {
    findings.push({
      rule: 'segments>1',
      level: 'warning',
      text: `The message is billed as ${segments} (${encoding})`,
      fix: 'Make it shorter, so that each code costs one',
    })
  }
  if (encoding === 'UCS-2') {
    findings.push({
      rule: 'ucs2',
      level: 'warning',
      text: 'A character is not in GSM-7, so that one SMS holds 70 characters instead of 160',
      fix: 'Write it without such characters where the language allows that',
    })
  }
  if (link.test(template)) findings.push(hasLink)
  if (sender !== undefined && /[^+\d]/.test(sender) && sender.length > 11) {
    findings.push({
      rule: 'sender-too-long',
      level: 'error',
      text: `The sender has ${sender.length} characters; networks take 11`,
      fix: 'Choose a shorter name, or a number',
    })
  }
  return findings
}

function* webOtp(template: string, host: string | undefined): Generator<TemplateFinding> {
  const wanted = `@${host ?? 'login.example.com'} #{{OTP}}`
  const lines = template.trimEnd().split('\n')
  const at = lineForBrowsers(lines)
  if (at < 0) {
    if (host === undefined) return
    yield {
      rule: 'webotp-last-line',
      level: 'warning',
      text: 'The last line does not name the page, so no browser fills the code in by itself, and one asks for it on any page',
      fix: `Let the last line be "${wanted}"`,
    }
    return
  }
  const found = /^@([a-z\d-]+(?:\.[a-z\d-]+)*) #\{\{OTP\}\}(.*)$/i.exec(lines[at] ?? '')
  if (!found) {
    yield {
      rule: 'webotp-last-line',
      level: 'error',
      text: 'The line with @ is not "@host #{{OTP}}": no scheme, port or path, one space, and nothing before',
      fix: `Write "${wanted}"`,
    }
    return
  }
  const [, named = '', rest = ''] = found
  if (host !== undefined && named.toLowerCase() !== host.toLowerCase()) {
    yield {
      rule: 'webotp-host-mismatch',
      level: 'error',
      text: `The last line names ${named}, and the page is on ${host}: browsers offer the code on another page only`,
      fix: `Write "${wanted}"`,
    }
  }
  // Behind the code, a page that is embedded in another one may be named, and nothing else.
  if (at < lines.length - 1 || !/^(?: @[a-z\d.-]+)?\s*$/i.test(rest)) {
    yield {
      rule: 'webotp-trailing-text',
      level: 'error',
      text: 'Text follows "@host #{{OTP}}", which has to be the end of the message',
      fix: 'Move that text up',
    }
  }
}

const link = /https?:\/\/|\bwww\.\S/i

const hasLink: TemplateFinding = {
  rule: 'has-link',
  level: 'warning',
  text: 'The template has a link, which teaches people to follow links beside codes, and filters may hold it back',
  fix: 'Take the link out',
}
