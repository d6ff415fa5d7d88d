/** Stops asking a service while it fails for most of those about whom it is asked. */
export interface Breaker {
  /** `trial`: one call may find out whether the service is back. */
  readonly state: 'closed' | 'open' | 'trial'
  /**
   * Says how a call about somebody has ended. `scouting`: it was let through although this is open. True where it looks
   * like an outage: then a call about nobody finds out, and `settle` is told.
   */
  tell(about: string, failed: boolean, scouting?: boolean): boolean
  /** How a call about nobody has ended. */
  settle(failed: boolean): void
}

/** Seconds for which the end of a call counts. */
const recently = 10

/** Seconds after which an open breaker lets one call try. */
export const restTime = 5

/** So many have to be asked about, so that a few people's bad luck never stops the others. */
const least = 20

/** And for this share of them the latest call has to have failed. */
const share = 0.5

/** More are not looked at: the latest say enough. */
const most = 1000

/**
 * Calls are counted by whom they are about: however often the service refuses one destination, that says
 * nothing of the others. Nor do many destinations, which strangers choose: what opens this is a call about nobody that
 * fails as well.
 */
export function createBreaker(clock: () => number = () => performance.now()): Breaker {
  /** The latest call about each, oldest first. */
  const latest = new Map<string, { at: number; failed: boolean }>()
  let openedAt: number | undefined

  const fails = (): boolean => {
    const since = clock() - recently * 1000
    let failed = 0
    for (const [about, call] of latest) {
      if (call.at < since) latest.delete(about)
      else if (call.failed) failed++
    }
    return latest.size >= least && failed >= share * latest.size
  }

  return {
    get state() {
      if (openedAt === undefined) return 'closed'
      return clock() - openedAt >= restTime * 1000 ? 'trial' : 'open'
    },
    tell(about, failed, scouting = false) {
      if (openedAt !== undefined) {
        // One who need not wait can end the rest, and can't make it longer for those who do.
        if (this.state !== 'trial' && (!scouting || failed)) return false
        openedAt = failed ? clock() : undefined
        latest.clear()
        return failed
      }
      latest.delete(about)
      latest.set(about, { at: clock(), failed })
      if (latest.size > most) {
        const [oldest] = latest.keys()
        if (oldest !== undefined) latest.delete(oldest)
      }
      return failed && fails()
    },
    settle(failed) {
      openedAt = failed ? (openedAt ?? clock()) : undefined
      latest.clear()
    },
  }
}
