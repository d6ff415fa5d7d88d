import { expect, test } from 'vitest'
import { search } from './search.js'
import { subject } from './subject.js'
import type { TimedStore } from './world.js'

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_MODE } = process.env
/** Runs in all, of both stores and both kinds. */
const all = Number(MODEL_RUNS ?? 400)

/**
 * `share` is this store's part of all runs, of which a third is calm. To see a failure again:
 * `MODEL_SEED=… MODEL_PATH=… MODEL_MODE=… npx vitest run test/model -t memory`.
 */
export function testModel(name: string, share: number, open: () => Promise<() => TimedStore>) {
  const runs = Math.max(6, Math.round(all * share))
  const isReplay = MODEL_PATH !== undefined

  test(
    `keeps the seven invariants on the ${name} store, whatever happens at once`,
    async () => {
      const found = await search({
        subject,
        store: await open(),
        mode: isReplay && (MODEL_MODE === 'calm' || MODEL_MODE === 'wild') ? MODEL_MODE : 'both',
        runs,
        seed: Number(MODEL_SEED ?? (MODEL_RUNS ? Date.now() % 1_000_000_000 : 1)),
        path: MODEL_PATH,
      })
      expect(found && reportOf(found)).toBeUndefined()
    },
    60_000 + runs * 2000,
  )
}

function reportOf({
  report,
  seed,
  path,
  mode,
  plan,
}: NonNullable<Awaited<ReturnType<typeof search>>>) {
  return `${report}\n\nMODEL_SEED=${seed} MODEL_PATH=${path} MODEL_MODE=${mode}\n${plan}`
}
