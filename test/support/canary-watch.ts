/** What must be nowhere. */
export type SecretKind = 'number' | 'code' | 'otpId' | 'api key' | 'secret' | 'handle' | 'device'

export interface Leak {
  kind: SecretKind
  /** Where it was written: `stderr`, `event`, `response /login/send`. */
  sink: string
  /** The test that ran at that time. */
  test: string
}

/**
 * Knows secrets and reads texts, in any order: a code may be learnt after the line that holds it was
 * printed. It keeps the words of a text that could be secrets, not the text. A secret that is not one
 * word has to be learnt before.
 */
export interface Watch {
  learn(kind: SecretKind, value: string): void
  /** What the devices of a secret begin with. */
  mark(start: string): void
  look(sink: string, text: string): void
  leaks(): Leak[]
  /** How many of a kind it knows. A canary that knows nothing finds nothing. */
  known(kind: SecretKind): number
  /** Where it has looked. */
  sinks(): string[]
  /** Forgets a sink: it turned out not to be one. */
  forget(sink: (name: string) => boolean): void
}

/** Where a word was seen first. */
type Seen = Map<string, string>

interface Sink {
  words: Seen
  /** Runs of digits that may be a code: alone, whole, no decimals. */
  codes: Seen
  /** Digits as people write numbers, without what is between them. */
  numbers: Seen
}

/** How long handles and devices are, in characters. Nothing else in a sink looks like a handle. */
export const handleLength = 112
export const deviceLength = 48
/** A sealed number is as long as a device, which begins with what names the secret that has made it. */
export const markLength = 5

/** Shorter pieces of a number turn up by chance. */
const piece = 7

/** `test` names the test that runs. */
export function createWatch(test = () => ''): Watch {
  const secrets = new Map<SecretKind, Set<string>>()
  const sinks = new Map<string, Sink>()
  /** Those with spaces and the like, which no word of a text can be. */
  const phrases = new Map<string, SecretKind>()
  const spoken: Leak[] = []
  const marks = new Set<string>()
  const of = (kind: SecretKind) => secrets.get(kind) ?? new Set<string>()

  function learn(kind: SecretKind, value: string) {
    secrets.set(kind, of(kind).add(kind === 'number' ? value.replace(/\D/g, '') : value))
    if (/[^\w-]/.test(value) && kind !== 'number') phrases.set(value, kind)
  }

  function look(name: string, text: string) {
    let sink = sinks.get(name)
    if (!sink) {
      sink = { words: new Map(), codes: new Map(), numbers: new Map() }
      sinks.set(name, sink)
    }
    for (const [phrase, kind] of phrases) {
      if (text.includes(phrase)) spoken.push({ kind, sink: name, test: test() })
    }
    note(sink.words, text.match(/[\w-]{6,}/g))
    note(sink.codes, text.match(/(?<![\w.]|\d-)\d{6,10}(?!\w|\.\d|-\d)/g))
    const spelled = text.match(/\d(?:[ ()./-]{0,3}\d){6,}/g)
    note(
      sink.numbers,
      spelled?.map((digits) => digits.replace(/\D/g, '')),
    )
  }

  function note(seen: Seen, words: readonly string[] | null | undefined) {
    for (const word of words ?? []) if (!seen.has(word)) seen.set(word, test())
  }

  function leaksOf({ words, codes, numbers }: Sink): Omit<Leak, 'sink'>[] {
    const found: Omit<Leak, 'sink'>[] = []
    const report = (kind: SecretKind, where: string) => found.push({ kind, test: where })

    const pieces = new Set([...of('number')].flatMap(piecesOf))
    for (const [digits, where] of numbers) {
      if (piecesOf(digits).some((each) => pieces.has(each)) && isNumber(digits)) {
        report('number', where)
      }
    }
    for (const [digits, where] of codes) if (of('code').has(digits)) report('code', where)
    const inside = [...of('api key'), ...of('secret')].filter((each) => !phrases.has(each))
    for (const [word, where] of words) {
      if (!/^\d+$/.test(word) && of('code').has(word)) report('code', where)
      const ids = word.match(/[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}/gi) ?? []
      if ([word, ...ids.map(toUuid)].some((id) => of('otpId').has(id))) report('otpId', where)
      if (isRandom(word, handleLength)) report('handle', where)
      if (isRandom(word, deviceLength) && marks.has(word.slice(0, markLength)))
        report('device', where)
      const known = inside.find((secret) => word.includes(secret))
      if (known !== undefined) report(of('secret').has(known) ? 'secret' : 'api key', where)
    }
    return found
  }

  /** All of a number without its country's code, or a piece of it on its own. */
  function isNumber(digits: string): boolean {
    return [...of('number')].some(
      (number) => number.includes(digits) || digits.includes(number.slice(nationalAt(number))),
    )
  }

  return {
    learn,
    mark: (start) => void marks.add(start),
    look,
    leaks: () => [
      ...spoken,
      ...[...sinks].flatMap(([sink, seen]) => leaksOf(seen).map((leak) => ({ ...leak, sink }))),
    ],
    known: (kind) => of(kind).size,
    sinks: () => [...sinks.keys()],
    forget(isSink) {
      for (const name of sinks.keys()) if (isSink(name)) sinks.delete(name)
      spoken.splice(0, spoken.length, ...spoken.filter(({ sink }) => !isSink(sink)))
    },
  }
}

function piecesOf(digits: string): string[] {
  const count = Math.max(0, digits.length - piece + 1)
  return Array.from({ length: count }, (_, at) => digits.slice(at, at + piece))
}

/** Of +1 and +7 the code is one digit, of the others at least two. */
function nationalAt(digits: string): number {
  return /^[17]/.test(digits) ? 1 : 2
}

function toUuid(hex: string): string {
  const digits = hex.toLowerCase().replaceAll('-', '')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Text of this length that no name and no path is: base64url of random bytes. */
function isRandom(word: string, length: number): boolean {
  return word.length === length && [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(word))
}
