import type { Content } from './content.js'

/**
 * What tyntecEcho sends back: media, text and URL as they are, and a template as a text in the form
 * that the reference prints.
 */
export function echoOf({ contentType, text, url, media, template }: Content): object {
  if (!template)
    return { contentType, ...(text && { text }), ...(url && { url }), ...(media && { media }) }
  const { templateId, language, parameters = [] } = template
  const parts = [
    `TemplateId[${templateId}]`,
    `LanguagePolicy[${language.policy ?? ''}]`,
    `LanguageCode[${language.code ?? ''}]`,
    ...parameters.map((parameter, index) => `Parameter<${index}>[${parameter.default ?? ''}]`),
  ]
  return { contentType: 'text', text: parts.join(' ') }
}
