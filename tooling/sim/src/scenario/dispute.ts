import type { Random } from '../random.ts'
import { Asking } from './asking.ts'
import type { Crossing } from './crossings.ts'
import type { AppPlan, Fault } from './scenario.ts'

/** A linker waits two seconds for the answer to a RECLAIM (brxy.v1 rule 2). */
const WRITTEN_OFF_MS = 2_000
/** In a history: whose tunnel falls silent, and who has the grant then, is left to chance. */
const ROUNDS = 3

/**
 * A slot that two edges count on. One has it idle, and hears nothing of the RECLAIM; the linker writes it off, and lends it
 * to the other, which has work for all slots; now the first one gets a request, and opens it on what it still takes for a
 * grant. It takes five things in the right order, which do not come together by chance.
 * @param app should stay for a while when it is idle
 * @param firstId ids and clients from here on are free
 */
export function makeDispute(
  random: Random,
  app: AppPlan,
  edges: number,
  lengthMs: number,
  firstId: number,
): Crossing {
  const asking = new Asking(app.name, firstId)
  const faults: Fault[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const warmMs = random.below(lengthMs)
    const poor = random.below(edges)
    const rich = (poor + 1) % edges
    for (let edge = 0; edge < edges; edge++)
      asking.ask(warmMs + random.below(500), edge, random.spread(1, 200))
    const silentMs = warmMs + app.startMs + random.spread(200, 3_000)
    faults.push({
      atMs: silentMs,
      kind: 'silence tunnel',
      // Of the first two instances, with either edge.
      which: random.below(2 * edges),
      way: 'to edge',
      forMs: random.spread(2 * WRITTEN_OFF_MS, 5 * WRITTEN_OFF_MS),
    })
    for (let count = app.slots + 1; count > 0; count--)
      asking.ask(silentMs + random.below(200), poor, random.spread(2_000, 10_000))
    for (let count = 2; count > 0; count--)
      asking.ask(silentMs + WRITTEN_OFF_MS + random.spread(200, 3_000), rich, random.spread(1, 500))
  }
  return { requests: asking.requests, faults }
}
