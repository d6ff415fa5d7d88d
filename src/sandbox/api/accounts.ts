import { createHash } from 'node:crypto'

/** OTPs belong to the key that made them; tyntec shows an id of the account instead of the key. */
export function createAccounts(): (key: string) => string {
  const known = new Map<string, string>()
  return (key) => {
    let accountId = known.get(key)
    if (accountId === undefined) {
      const hash = createHash('sha256').update(key).digest('hex')
      accountId = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
      if (known.size >= 1000) known.clear()
      known.set(key, accountId)
    }
    return accountId
  }
}

/** Why this key is refused; `undefined` when it is a good one. */
export function refuseKey(key: string | string[] | undefined, search: string): string | undefined {
  if (typeof key === 'string' && /^sandbox_[!-~]*$/.test(key)) return undefined
  if (key !== undefined) {
    return 'A key of the sandbox begins with sandbox_ and has visible ASCII characters only.'
  }
  return /[?&]apikey=/i.test(`?${search}`)
    ? 'The key goes in the header apikey, not in the query.'
    : 'The header apikey is missing.'
}
