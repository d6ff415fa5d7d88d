import fc from 'fast-check'
import { calmPlan, wildPlan } from './plan.js'
import { runPlan } from './run.js'
import type { Subject } from './subject.js'
import { openTrack, type TimedStore } from './world.js'

export interface Search {
  subject: Subject
  /** A fresh store for each run. */
  store(): TimedStore
  /** `both`: a third of the tracks is calm. */
  mode: 'wild' | 'calm' | 'both'
  runs: number
  seed: number
  path?: string | undefined
  /** Runs at once: most of a run is waiting. */
  tracks?: number
  /** Looks for the smallest plan that fails, too. */
  shrink?: boolean
}

export interface Found {
  runs: number
  seed: number
  path: string
  mode: 'wild' | 'calm'
  plan: string
  report: string
}

/** Runs plans until one fails or all are done. */
export async function search(options: Search): Promise<Found | undefined> {
  const { subject, store, mode, runs, seed, path, tracks = 12, shrink = true } = options
  // A path belongs to one seed.
  const width = path === undefined ? Math.min(tracks, runs) : 1
  let stopped = false
  let done = 0
  const searches = Array.from({ length: width }, async (_, index) => {
    const track = await openTrack(subject)
    const calm = mode === 'both' ? index % 3 === 2 : mode === 'calm'
    try {
      const property = fc.asyncProperty(calm ? calmPlan : wildPlan, async (plan) => {
        if (stopped) return
        done += 1
        await runPlan(track, store(), plan, calm ? 'calm' : 'wild')
      })
      const details = await fc.check(property, {
        numRuns: path === undefined ? Math.ceil(runs / width) : 1,
        seed: seed + index,
        ...(path !== undefined && { path }),
        endOnFailure: !shrink || path !== undefined,
        interruptAfterTimeLimit: 3_600_000,
      })
      if (!details.failed || stopped) return undefined
      stopped = true
      return {
        runs: done,
        seed: details.seed,
        path: details.counterexamplePath ?? '',
        mode: calm ? ('calm' as const) : ('wild' as const),
        plan: JSON.stringify(details.counterexample, undefined, 1),
        report: String(details.errorInstance),
      }
    } finally {
      await track.close()
    }
  })
  const results = await Promise.all(searches)
  return results.find((found) => found !== undefined)
}
