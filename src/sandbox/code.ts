/**
 * The code in the text of an app's own message: that of the origin-bound last line, or the first run
 * of 4 to 10 digits that is no part of a longer one. `''` when there is none.
 */
export function codeIn(text: string): string {
  const lastLine = text.slice(text.lastIndexOf('\n') + 1)
  const bound = /^@\S+ #([0-9A-Za-z]{4,10})(?:\s|$)/.exec(lastLine)
  return bound?.[1] ?? /(?<![0-9+])[0-9]{4,10}(?![0-9])/.exec(text)?.[0] ?? ''
}
