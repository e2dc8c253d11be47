import type { AppStatus } from '@brxy/edge'
import type { EdgeProcess } from '../actors/edge.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** Calls to the platform, its first look among them, take no longer. */
const CALL_MS = 31_000
/** Beyond that something must have begun within so long: wheels turn, clocks drift. */
const PATIENCE_MS = 1_000
/** Until the edge that scales has heard of what another one holds, or that one knows that its reports do not arrive; and slots have moved. */
const REPORT_MS = 5_000

/** Since when requests of an app are held at an edge for which nobody is there, nor comes. */
const SINCE = new WeakMap<Simulation, Map<string, number>>()

/**
 * DESIGN 7: the first held request of an app with nothing running or starting has something started. Of several edges the
 * first one launches, also for what the others report.
 */
export const answeredDemand: Invariant = {
  name: 'somebody comes for what is held',
  watch(simulation) {
    SINCE.set(simulation, new Map())
  },
  check(simulation) {
    const { world, platform, edges, statuses } = simulation
    const since = SINCE.get(simulation) as Map<string, number>
    const [scaling] = edges
    const isDisturbed = platform.wasSlowWithin(CALL_MS) || !isWell(scaling, world.nowMs)
    for (const [at, edge] of edges.entries()) {
      const reporting = statuses.of(edge)?.reporting
      const isHeard = isWell(edge, world.nowMs) && (reporting?.failingMs ?? null) === null
      for (const app of statuses.of(edge)?.apps ?? []) {
        const key = `${at} ${app.app}`
        const scaled = statuses.of(scaling)?.apps.find(({ app: name }) => name === app.app)
        const boundMs = edge === scaling ? PATIENCE_MS : REPORT_MS
        if (isDisturbed || !isHeard || !isAlone(app) || (scaled !== undefined && !hasNobody(scaled)))
          since.delete(key)
        else if (!since.has(key)) since.set(key, world.nowMs)
        else if (world.nowMs - (since.get(key) as number) > boundMs)
          return `${app.app} holds ${app.held.count}, and nothing runs, starts, or has failed`
      }
    }
    return null
  },
}

function isWell({ process, isListening, isStopping }: EdgeProcess, nowMs: number): boolean {
  const isRunning = process.isAlive && !process.isPaused && nowMs - process.resumedAtMs >= PATIENCE_MS
  return isRunning && isListening && !isStopping
}

function isAlone(app: AppStatus): boolean {
  return app.held.count > 0 && hasNobody(app)
}

function hasNobody({ instances, launches, failure }: AppStatus): boolean {
  return launches.length === 0 && failure === null && instances.every(({ phase }) => phase === 'parked')
}
