import type { Random } from '../random.ts'
import { Asking } from './asking.ts'
import type { Crossing } from './crossings.ts'
import type { AppPlan, Fault } from './scenario.ts'

const ROUNDS = 3
const IDLE_MS = 500
/** The last instance leaves when it has been idle twice, and asks for that in between. */
const PARKED_AFTER_MS = 3 * IDLE_MS
/** A launch has been accepted by then, and its replica is there. */
const ACCEPTED_MS = 1_000

/** An app with one instance, which parks soon. Nobody else asks for it, so that it does. */
export function parkingApp(app: AppPlan, name: string): AppPlan {
  return { ...app, name, platform: 'counted', min: 0, max: 1, idleMs: IDLE_MS, ignoresTerm: false }
}

/**
 * An instance that is parked and cannot be removed, for the calls to the platform fail, when the next request comes: it is
 * there, `max` is 1, and nothing but its recall helps. By chance the platform has removed it by then, or other requests
 * have kept it awake.
 *
 * @param app see parkingApp()
 * @param firstId ids and clients from here on are free
 */
export function makeRecalls(random: Random, app: AppPlan, lengthMs: number, firstId: number): Crossing {
  const asking = new Asking(app.name, firstId)
  const faults: Fault[] = []
  const ask = (atMs: number) => asking.ask(atMs, 0, random.spread(1, 100))
  for (let round = 0; round < ROUNDS; round++) {
    const warmMs = random.below(lengthMs)
    const failsMs = warmMs + ACCEPTED_MS
    const lateMs = failsMs + app.startMs + PARKED_AFTER_MS + random.spread(500, 3_000)
    ask(warmMs)
    ask(lateMs)
    const forMs = lateMs - failsMs + 3_000
    faults.push({ atMs: failsMs, kind: 'platform', mode: 'failing calls', forMs, delayMs: 0 })
  }
  return { requests: asking.requests, faults }
}
