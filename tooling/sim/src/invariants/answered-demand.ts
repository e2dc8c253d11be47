import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** Calls to the platform, its first look among them, take no longer. */
const CALL_MS = 31_000
/** Beyond that something must have begun within so long: wheels turn, clocks drift. */
const PATIENCE_MS = 1_000

/** Since when requests of an app are held for which nobody is there, nor comes. */
const SINCE = new WeakMap<Simulation, Map<string, number>>()

/** DESIGN 7: the first held request of an app with nothing running or starting has something started. */
export const answeredDemand: Invariant = {
  name: 'somebody comes for what is held',
  watch(simulation) {
    SINCE.set(simulation, new Map())
  },
  check(simulation) {
    const { world, platform, edges, statuses } = simulation
    const since = SINCE.get(simulation) as Map<string, number>
    const isDisturbed =
      platform.wasSlowWithin(CALL_MS) ||
      edges.some(
        ({ process, isListening, isStopping }) =>
          !isListening || isStopping || process.isPaused || world.nowMs - process.resumedAtMs < PATIENCE_MS,
      )
    for (const { app, held, instances, launches, failure } of statuses.current()) {
      const isAlone = held.count > 0 && launches.length === 0 && failure === null
      const isWaiting = isAlone && instances.every(({ phase }) => phase === 'parked')
      if (!isWaiting || isDisturbed) since.delete(app)
      else if (!since.has(app)) since.set(app, world.nowMs)
      else if (world.nowMs - (since.get(app) as number) > PATIENCE_MS)
        return `${app} holds ${held.count}, and nothing runs, starts, or has failed`
    }
    return null
  },
}
