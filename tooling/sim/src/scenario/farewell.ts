import type { NetworkProfile } from '../network/network.ts'
import type { Random } from '../random.ts'
import { Asking } from './asking.ts'
import type { Crossing } from './crossings.ts'
import type { AppPlan, Fault } from './scenario.ts'

const ROUNDS = 8
/** From a client's SYN to the OPEN at the linker, in delays of the network: there, back, there, and once more. */
const OPEN_DELAYS = 5

/**
 * Idle instances that get SIGTERM while a request is on its way to them, so that it meets a linker that stops. By chance
 * that is rare: where a request is on its way for long, an application that heeds SIGTERM is gone before anything follows.
 * @param app should be slow to end
 * @param firstId ids and clients from here on are free
 */
export function makeFarewell(
  random: Random,
  app: AppPlan,
  network: NetworkProfile,
  lengthMs: number,
  firstId: number,
): Crossing {
  const asking = new Asking(app.name, firstId)
  const faults: Fault[] = []
  const ask = (atMs: number) => asking.ask(atMs, 0, random.spread(1, 200))
  for (let round = 0; round < ROUNDS; round++) {
    const warmMs = random.below(lengthMs)
    const lateMs = warmMs + app.startMs + random.spread(300, 3_000)
    ask(warmMs)
    ask(lateMs)
    const atMs = lateMs + random.next() * OPEN_DELAYS * network.maxDelayMs
    faults.push({ atMs, kind: 'terminate', which: random.below(2), isTwice: false })
  }
  return { requests: asking.requests, faults }
}
