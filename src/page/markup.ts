/** Text that is HTML already. Only `markup` makes it. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** What may stand in a template. Nothing is written for `undefined` and `false`. */
export type Part = string | number | Html | false | undefined | readonly Part[]

/** A template of HTML. What is put into it is text, and escaped, unless it is HTML itself. */
export function markup(strings: TemplateStringsArray, ...parts: Part[]): Html {
  let text = strings[0] ?? ''
  for (const [index, part] of parts.entries()) text += write(part) + strings[index + 1]
  return new Html(text)
}

/** Attributes by name. `true` is one without a value; what is `undefined` or `false` is left out. */
export function attributes(given: Record<string, string | number | boolean | undefined>): Html {
  let text = ''
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === false) continue
    text += value === true ? ` ${name}` : ` ${name}="${escape(String(value))}"`
  }
  return new Html(text)
}

function write(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(write).join('')
  return escape(String(part))
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? '')
}
