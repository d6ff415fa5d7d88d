/**
 * The code in the text of a whole message: that of its last line, which names the site (`@host
 * #code`), or else the only run of so many digits. `undefined` for a text that may be a code itself.
 */
export function codeIn(text: string, length: number): string | undefined {
  if (!/[^\d\s-]/.test(text)) return undefined
  const bound = /^@\S+ #(\w+)/.exec(text.trim().split('\n').pop() ?? '')
  const runs = text.match(/\d+/g)?.filter((run) => run.length === length) ?? []
  return bound?.[1] ?? (new Set(runs).size === 1 ? runs[0] : undefined)
}
