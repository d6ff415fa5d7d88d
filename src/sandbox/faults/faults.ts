import { InputError } from '../control/input.js'
import type { Emits } from '../emits.js'
import type { DelayFault, Match, MessageFault, WireFault } from './rules.js'

/** A fault that was set, with the uses it has left. */
export type Fault = Match & (WireFault | DelayFault | MessageFault) & { id: string }

export type FaultHappening = { type: 'faults'; faults: readonly Fault[] }

export interface Faults {
  add(fault: Fault): void
  list(): readonly Fault[]
  /** One of them was used: the numbers of uses left have changed. */
  used(): void
  /** False when there is none with this id. */
  remove(id: string): boolean
  clear(): void
}

const capacity = 1000

export function createFaults(events: Emits<FaultHappening>): Faults {
  let faults: Fault[] = []
  const tell = () => events.emit(() => ({ type: 'faults', faults }))
  return {
    add(fault) {
      if (faults.length >= capacity) {
        throw new InputError(`There are ${capacity} faults already. DELETE /_sandbox/faults first.`)
      }
      faults.push(fault)
      tell()
    },
    list: () => faults,
    used: tell,
    remove(id) {
      const kept = faults.filter((fault) => fault.id !== id)
      const removed = kept.length < faults.length
      if (removed) {
        faults = kept
        tell()
      }
      return removed
    },
    clear() {
      faults = []
      tell()
    },
  }
}
