import type { Problem } from './parameters.js'

/** Reads a posted body: a JSON object, or the fields of a form where the reference has one. */
export function parseBody(
  text: string,
  contentType: string | undefined,
): { value: unknown; isForm: boolean } | Problem {
  if (text.trim() === '') return { value: undefined, isForm: false }
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType ?? '')) {
    const fields = new URLSearchParams(text)
    const repeated = [...fields.keys()].find((name) => fields.getAll(name).length > 1)
    return repeated === undefined
      ? { value: Object.fromEntries(fields), isForm: true }
      : { message: `Repeated field ${repeated}`, hint: `Send ${repeated} once.` }
  }
  try {
    return { value: JSON.parse(text) as unknown, isForm: false }
  } catch (err) {
    return {
      message: err instanceof Error ? err.message : 'Not JSON',
      hint: 'The body must be JSON.',
      type: 'DataNotParseable',
      title: 'Data given was not parseable',
    }
  }
}
