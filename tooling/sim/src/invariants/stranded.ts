import type { InstanceStatus } from '@brxy/edge'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** DEMAND says within a second that one more is held; then it, RECLAIM and RETURN take 0.4 s each on the slowest network. */
const MOVING_MS = 3_000

/** An instance, an edge that waits for its slots, and another one that has no use for them. */
interface Beside {
  readonly app: string
  /** How long grants have been idle at the one while requests waited at the other, in sum. */
  idleMs: number
  /** Whether they are now. */
  isIdle: boolean
}

interface Watch {
  readonly besides: Map<string, Beside>
  /** When it was last looked. */
  atMs: number
}

/** By history. */
const WATCHES = new WeakMap<Simulation, Watch>()

/**
 * DESIGN 5: a slot goes to the edge that wants it. While nothing is broken nobody waits for long at one edge beside an
 * idle grant at another; with faults nothing can be said, for the grant may be where nobody can fetch it.
 *
 * It is not the age of a request that tells: its slot may have been busy all the time, and the grant come to an edge just as
 * what waited there was answered 504. It is how long the grant was idle. A slot that goes to and fro does not begin
 * anew; only an edge that waits itself, or runs something, does.
 */
export const stranded: Invariant = {
  name: 'no request waits at one edge for a slot that is idle at another',
  watch(simulation) {
    WATCHES.set(simulation, { besides: new Map(), atMs: 0 })
  },
  check(simulation) {
    const { scenario, world } = simulation
    if (scenario.edges === 1 || scenario.faults.length > 0) return null
    const watch = WATCHES.get(simulation) as Watch
    const passedMs = world.nowMs - watch.atMs
    watch.atMs = world.nowMs
    const gone = new Set(watch.besides.keys())
    for (const { key, app, grants } of waiting(simulation)) {
      gone.delete(key)
      const beside = watch.besides.get(key) ?? { app, idleMs: 0, isIdle: false }
      watch.besides.set(key, beside)
      if (beside.isIdle) beside.idleMs += passedMs
      beside.isIdle = grants > 0
    }
    for (const key of gone) watch.besides.delete(key)
    for (const { app, idleMs } of watch.besides.values()) {
      if (idleMs > MOVING_MS)
        return `${app} holds requests, and grants were idle at another edge for ${Math.round(idleMs)} ms meanwhile`
    }
    return null
  },
}

/** Each instance that is ready at an edge that holds requests, and at one that holds none and has none running there. */
function* waiting({ edges, statuses }: Simulation) {
  const all = edges.flatMap((edge, at) => (statuses.of(edge)?.apps ?? []).map((app) => ({ at, ...app })))
  for (const { app, at, held, instances } of all) {
    if (held.count === 0) continue
    for (const other of all) {
      if (other.app !== app || other.at === at || other.held.count > 0) continue
      for (const instance of other.instances) {
        const { phase, busy, grants } = instance
        const name = nameOf(instance)
        const here = instances.find((each) => nameOf(each) === name)
        if (here?.phase !== 'ready' || phase !== 'ready' || busy > 0) continue
        yield { key: `${app} ${name} ${at} ${other.at}`, app, grants }
      }
    }
  }
}

/** Only what is started by hand has neither, and that is a fault. */
function nameOf({ launch, platform }: InstanceStatus): string {
  return `${launch ?? platform}`
}
