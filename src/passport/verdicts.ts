import type { Verdict } from './verify.js'

/** Who a code has just signed in without a session, for the other clicks that carried the same code. */
export interface Verdicts {
  keep(flowId: string, verdict: Verdict): void
  of(flowId: string): Verdict | undefined
}

/** Milliseconds. Whoever has waited for the end of a sign-in asks for it within a second or two. */
const kept = 5000

export function createVerdicts(): Verdicts {
  /** Oldest first. */
  const lately = new Map<string, { verdict: Verdict; until: number }>()
  const forget = (now: number) => {
    for (const [flowId, { until }] of lately) {
      if (until > now) return
      lately.delete(flowId)
    }
  }
  return {
    keep(flowId, verdict) {
      const now = performance.now()
      forget(now)
      lately.delete(flowId)
      lately.set(flowId, { verdict, until: now + kept })
    },
    of(flowId) {
      forget(performance.now())
      return lately.get(flowId)?.verdict
    },
  }
}
