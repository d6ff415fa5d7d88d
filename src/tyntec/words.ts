/** Characters of tyntec's words that are shown at most. */
const longest = 160

/**
 * tyntec's words in a form that can be printed: one line of plain words. Whatever else there is may be
 * a number, a code, an id, an address or a key, and becomes `…`.
 *
 * @param sent values that the request carried, which the answer may repeat
 */
export function printable(text: string, sent: readonly string[]): string | undefined {
  // Full-width and other forms of digits become digits before anything looks for them.
  let rest = text.slice(0, 2000).normalize('NFKC')
  for (const value of [...sent].sort((one, other) => other.length - one.length)) {
    if (value !== '') rest = replaceAll(rest, value.normalize('NFKC'))
  }
  const words = rest
    // Control and format characters, half a character, and every kind of space.
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .replace(/\p{Nd}(?:[^\p{L}\p{Nd}]{0,3}\p{Nd}){3,}/gu, '…')
    .split(' ')
    .map(plainWord)
    .filter((word, i, all) => word !== '' && (word !== '…' || all[i - 1] !== '…'))
  const line = words.join(' ')
  if (!/\p{L}/u.test(line)) return undefined
  return line.length <= longest ? line : `${line.slice(0, longest - 1).replace(/ \S*$/, '')} …`
}

/** Letters, or a number of up to three digits, with punctuation around them; or punctuation alone. */
const plain =
  /^(?:[("'[{<“]*(?:E\.164|\p{Nd}{1,3}|\p{L}[\p{L}\p{M}]{0,23}(?:['’/-][\p{L}\p{M}]{1,24}){0,3})[)"'\]}>”.,:;!?]*|\p{P}*)$/u

function plainWord(word: string): string {
  return plain.test(word) ? word : '…'
}

/** A short value, as a sender's name is, only where it is a word: any other word may hold its letters. */
function replaceAll(text: string, value: string): string {
  const escaped = value.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
  const pattern =
    value.length >= 4 ? escaped : String.raw`(?<![\p{L}\p{N}])${escaped}(?![\p{L}\p{N}])`
  return text.replace(new RegExp(pattern, 'giu'), '…')
}
