import type { Invariant } from './invariant.ts'

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD'])
/** A first time, and once more after a tunnel was lost; each may have met a kept connection that was just being closed. */
const MAX_SAFE = 4
/** DESIGN 9: a request must not kill one instance after another. */
const MAX_KILLED = 2

/** What changes something is done once; what does not, a few times at most. */
export const atMostOnce: Invariant = {
  name: 'a request is executed once, and a safe one not again and again',
  check({ chronicle }) {
    for (const id of chronicle.justBegun.splice(0)) {
      const { plan, executions } = chronicle.of(id)
      const isSafe = SAFE.has(plan.method)
      const max = !isSafe ? 1 : plan.misdeed === 'crash' ? MAX_KILLED : MAX_SAFE
      if (executions.length > max)
        return `request ${id} (${plan.method}) was begun ${executions.length} times: ${executions.join(', ')}`
    }
    return null
  },
}
