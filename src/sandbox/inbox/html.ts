/** Markup that may go into a page as it is. Only `html` makes it. */
export interface Html {
  readonly markup: string
}

type Part = Html | string | number | readonly Part[] | undefined | false

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A template in which everything is text unless another template has made it. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  return {
    markup: texts
      .map((text, index) => text + (index < parts.length ? toMarkup(parts[index]) : ''))
      .join(''),
  }
}

function toMarkup(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part))
  return 'markup' in part ? part.markup : part.map(toMarkup).join('')
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
