export const defaultTemplates = {
  en: 'OTP code: {{OTP}}. Valid for {{SEC}} seconds.',
  'en-voice': 'Your code is: {{OTP}}. Once more, your code is: {{OTP}}.',
}

export type TemplateChannel = 'SMS' | 'VOICE'

/** The key that a template is kept under. Without a channel it is for those that have none of their own. */
export const templateKey = (language: string, channel?: TemplateChannel) =>
  channel === undefined ? language : `${language}-${channel.toLowerCase()}`

/** The template for this language and channel, or the English one. */
export function chooseTemplate(
  templates: ReadonlyMap<string, string>,
  language: string,
  channel: TemplateChannel,
): string {
  const keys = [language, 'en'].flatMap((code) => [templateKey(code, channel), code])
  const key = keys.find((candidate) => templates.has(candidate))
  return templates.get(key ?? 'en') ?? defaultTemplates.en
}

/** Fills in every placeholder. */
export const fillTemplate = (template: string, code: string, seconds: number) =>
  template.replaceAll('{{OTP}}', code).replaceAll('{{SEC}}', String(seconds))

export const hasPlaceholder = (text: string) => text.includes('{{OTP}}')
