import { codeIn } from '../code.js'
import type { Message } from '../messages.js'
import type { Content } from './content.js'

/** What a person sees of it. The sandbox doesn't have the texts of templates, so it names them. */
export function onPhone({
  text,
  url,
  media,
  template,
}: Content): Pick<Message, 'text' | 'code' | 'media'> {
  if (media) {
    const caption = media.caption ?? ''
    return { text: caption, code: codeIn(caption), media }
  }
  if (!template) {
    const shown = text ?? url ?? ''
    return { text: shown, code: url === undefined ? codeIn(shown) : '' }
  }
  const values = (template.parameters ?? []).map((parameter) => parameter.default ?? '')
  const { templateId, language } = template
  const shown = `Template ${templateId} (${language.code ?? 'no language'}): ${values.join(', ')}`
  return { text: shown, code: values.find((value) => isCode(value)) ?? '' }
}

/** A name is no code: one has a digit. */
const isCode = (value: string) => /^(?=.*[0-9])[0-9A-Za-z]{4,10}$/.test(value)
