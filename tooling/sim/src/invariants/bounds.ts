import { mostSlots } from '../scenario/most-slots.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** What a tunnel's socket may hold beyond what one turn adds: DATA is bounded, and heads and answers are small. */
const MAX_UNSENT_BYTES = 1024 * 1024

/** Timers may be so late, and after a stop of the process all of them are. */
const LATE_MS = 1_000

/** Nothing grows without a bound: queues, grants, what waits for a socket. */
export const bounds: Invariant = {
  name: 'queues and buffers stay within their bounds',
  check(simulation) {
    for (const { app, held, instances } of simulation.statuses.current()) {
      const plan = simulation.plan(app)
      const slots = mostSlots(simulation.scenario, plan)
      if (held.oldestMs > plan.holdMs + LATE_MS && !hasJustWoken(simulation))
        return `${app} holds a request for ${held.oldestMs} ms, of at most ${plan.holdMs}`
      // Those that come back from an instance were admitted before, and are as many as there are slots.
      const max = plan.queueRequests + plan.max * slots
      if (held.count > max) return `${app} holds ${held.count}, of at most ${max}`
      for (const { instance, grants, busy } of instances) {
        if (grants < 0 || grants + busy > slots)
          return `${instance} has ${grants} grants and ${busy} requests in at most ${slots} slots`
      }
    }
    for (const { near, far } of simulation.tunnels()) {
      for (const end of [near, far]) {
        if (end.waitingBytes > MAX_UNSENT_BYTES)
          return `${end.process.name}: ${end.waitingBytes} bytes wait for a tunnel`
      }
    }
    return null
  },
}

function hasJustWoken({ edges, world }: Simulation): boolean {
  return edges.some(({ process }) => process.isPaused || world.nowMs - process.resumedAtMs < LATE_MS)
}
