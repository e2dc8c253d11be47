import type { Instance } from '../actors/instance.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** What an instance was seen with in the last step. */
interface Seen {
  /** Slots when the last request was admitted that still may run: fewer slots cut nothing. */
  ceiling: number
  busy: number
}

const SEEN = new WeakMap<Simulation, Map<Instance, Seen>>()

/**
 * DESIGN 5: the linker admits a request only against a slot, whatever was lent, lost, written off or abandoned. There may be
 * more requests than slots only when their number was lowered; then none is admitted until there is room.
 */
export const admission: Invariant = {
  name: 'an application never has more requests than its instance has slots',
  watch(simulation) {
    SEEN.set(simulation, new Map())
  },
  check(simulation) {
    const seen = SEEN.get(simulation) as Map<Instance, Seen>
    for (const instance of simulation.instances) {
      const { name, plan, application, slotState } = instance
      if (!application.process.isAlive) {
        seen.delete(instance)
        continue
      }
      const { slots, busy } = slotState ?? { slots: plan.slots, busy: 0 }
      const last = seen.get(instance) ?? { ceiling: slots, busy: 0 }
      if (busy > last.busy && busy > slots)
        return `${name} admits a request beside ${busy - 1} in ${slots} slots`
      if (busy > slots) simulation.chronicle.count('slots: fewer than are busy')
      const ceiling = slots >= last.ceiling || busy <= slots ? slots : last.ceiling
      seen.set(instance, { ceiling, busy })
      const { admitted } = application
      if (admitted > ceiling) return `${name} has ${admitted} requests in ${ceiling} slots`
    }
    return null
  },
}
