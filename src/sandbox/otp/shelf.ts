import type { Otp } from './entity.js'

const capacity = 10_000

/** Where OTPs are kept: by id and by number, and the oldest make room. */
export function createShelf() {
  const byId = new Map<string, Otp>()
  const byNumber = new Map<string, Set<Otp>>()
  const oldest = byId.values()

  const numberKey = (accountId: string, number: string) => `${accountId} ${number}`

  function remove(otp: Otp) {
    byId.delete(otp.otpId)
    const key = numberKey(otp.accountId, otp.number)
    const sameNumber = byNumber.get(key)
    sameNumber?.delete(otp)
    if (sameNumber?.size === 0) byNumber.delete(key)
  }

  return {
    add(otp: Otp) {
      byId.set(otp.otpId, otp)
      const key = numberKey(otp.accountId, otp.number)
      const sameNumber = byNumber.get(key)
      if (sameNumber) sameNumber.add(otp)
      else byNumber.set(key, new Set([otp]))
      if (byId.size > capacity) {
        // One iterator for the map's whole life: it remembers where the oldest entry is, while a new
        // one would have to pass over every entry deleted so far.
        const first = oldest.next()
        if (!first.done) remove(first.value)
      }
    },
    remove,
    find: (otpId: string) => byId.get(otpId),
    list: (accountId: string, number: string) => [
      ...(byNumber.get(numberKey(accountId, number)) ?? []),
    ],
    all: () => [...byId.values()],
    clear() {
      byId.clear()
      byNumber.clear()
    },
  }
}
