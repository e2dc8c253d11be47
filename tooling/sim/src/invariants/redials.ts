import { EdgeProcess } from '../actors/edge.ts'
import type { Instance } from '../actors/instance.ts'
import type { SimProcess } from '../machine/process.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** After a session that lasted so long the first dial is only spread, over a second that WELCOME says (docs/protocol.md) ... */
const PROVEN_MS = 5_100
const SPREAD_MS = 1_000
/** ... and after another one comes a pause. */
const PAUSE_MS = 30_000
/** Timers may be so late. */
const LATE_MS = 1_000

/** What is known of a linker's way to the edge that it was given. */
interface Way {
  readonly instance: Instance
  upAtMs: number
  lostAtMs: number
  /** When it has to have dialled; Infinity while it has a session, or has dialled. */
  byMs: number
}

/** By history. */
const WAYS = new WeakMap<Simulation, Map<SimProcess, Way>>()

/**
 * Without it nothing seems to be wrong for long: the platform removes what the edge does not see, or the instance leaves
 * after a while, and another one is started. (Edges that another one has named may be forgotten, and are not judged.)
 */
export const redials: Invariant = {
  name: 'a linker whose session was lost dials again',
  watch(simulation) {
    const { world, onLinkerEvent, edges } = simulation
    const ways = new Map<SimProcess, Way>()
    WAYS.set(simulation, ways)
    const given = EdgeProcess.tunnelOf(edges[0].process.host)
    onLinkerEvent.push((instance, event) => {
      const way = ways.get(instance.process)
      if (event.type === 'phase' && event.phase === 'done') ways.delete(instance.process)
      if ((event.type !== 'connected' && event.type !== 'disconnected') || event.edge !== given) return
      const { nowMs } = world
      if (event.type === 'connected') {
        const byMs = Number.POSITIVE_INFINITY
        ways.set(instance.process, { instance, upAtMs: nowMs, lostAtMs: nowMs, byMs })
      } else if (way !== undefined) {
        way.lostAtMs = nowMs
        way.byMs = nowMs + LATE_MS + (nowMs - way.upAtMs > PROVEN_MS ? SPREAD_MS : PAUSE_MS)
      }
    })
    world.network.onDial = (process, address) => {
      const way = given.endsWith(`/${address}`) ? ways.get(process) : undefined
      if (way !== undefined) way.byMs = Number.POSITIVE_INFINITY
    }
  },
  check(simulation) {
    const { nowMs } = simulation.world
    const ways = WAYS.get(simulation) ?? new Map<SimProcess, Way>()
    for (const [process, { instance, lostAtMs, byMs }] of ways) {
      if (!process.isAlive) ways.delete(process)
      else if (nowMs > byMs && !process.isPaused && nowMs - process.resumedAtMs > SPREAD_MS + LATE_MS)
        return `${instance.name} lost its session ${Math.round(nowMs - lostAtMs)} ms ago, and has not dialled since`
    }
    return null
  },
}
