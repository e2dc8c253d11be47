import type { Random } from '../random.ts'
import { Asking } from './asking.ts'
import type { Crossing } from './crossings.ts'
import type { AppPlan, RequestPlan } from './scenario.ts'

const ROUNDS = 6

/**
 * Uploads that are answered before they have arrived, and soon after them other requests for the same instance: the
 * connection of the first may not be given to the second, whose head would be read as the rest of a body.
 * @param app should keep connections
 * @param firstId ids and clients from here on are free
 */
export function makeEarlyAnswers(random: Random, app: AppPlan, lengthMs: number, firstId: number): Crossing {
  const asking = new Asking(app.name, firstId)
  const ask = (atMs: number, special: Partial<RequestPlan> = {}) =>
    asking.ask(atMs, 0, random.spread(1, 100), special)
  for (let round = 0; round < ROUNDS; round++) {
    const warmMs = random.below(lengthMs)
    const earlyMs = warmMs + app.startMs + random.spread(300, 3_000)
    ask(warmMs)
    const bodyBytes = random.spread(1_000, 20_000)
    ask(earlyMs, { method: 'POST', bodyBytes, uploadPauseMs: random.spread(300, 3_000), misdeed: 'early' })
    for (let count = 3; count > 0; count--) ask(earlyMs + random.spread(100, 3_000))
  }
  return { requests: asking.requests, faults: [] }
}
