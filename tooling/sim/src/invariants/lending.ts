import type { Instance } from '../actors/instance.ts'
import type { SimProcess } from '../machine/process.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** A RECLAIM is answered, or written off, within two seconds; what it brings is lent again at once. */
const AT_HOME_MS = 3_000

const SINCE = new WeakMap<Instance, number>()

/** DESIGN 5: what serves lends its slots, also one that is to be replaced: there may never be a successor. */
export const lending: Invariant = {
  name: 'an instance that serves lends its slots',
  check(simulation) {
    const { world, instances } = simulation
    for (const instance of instances) {
      const { slotState: state, process } = instance
      const isAtHome = state !== null && state.slots > 0 && state.lent === 0 && state.busy === 0
      // A process that is stopped does nothing, and an edge that drains takes nothing.
      const mayLend =
        process.isAlive &&
        !process.isPaused &&
        instance.isServing &&
        !isEdgeAway(simulation) &&
        !isCutOff(process)
      if (!isAtHome || !mayLend) {
        SINCE.delete(instance)
        continue
      }
      const sinceMs = SINCE.get(instance) ?? world.nowMs
      SINCE.set(instance, sinceMs)
      if (world.nowMs - sinceMs > AT_HOME_MS)
        return `${instance.name} has ${state.slots} free slots, and lends none for ${world.nowMs - sinceMs} ms`
    }
    return null
  },
}

function isEdgeAway({ edges }: Simulation): boolean {
  return edges.some(({ isStopping, process }) => isStopping || process.isPaused)
}

/**
 * Whether none of its edges can answer now: until one does, it gets nothing new (brxy.v1 RECLAIM). That an edge has given its
 * tunnel up is not heard through one that is silent, so it is the linker's end that tells whether there is one.
 */
function isCutOff({ host, endpoints }: SimProcess): boolean {
  const tunnels = [...endpoints].filter(({ peer }) => peer.process.host !== host)
  return tunnels.every(({ pipe, peer }) => pipe.isBlocked || peer.pipe.isBlocked)
}
