import type { Invariant } from './invariant.ts'

/** RECLAIM, RETURN and GRANT, there and back on the slowest network, and the time that a burst takes. */
const MOVING_MS = 5_000

/**
 * DESIGN 5: a slot goes to the edge that wants it. While nothing is broken nobody waits for long at one edge beside an
 * idle grant at another; with faults nothing can be said, for the grant may be where nobody can fetch it.
 */
export const stranded: Invariant = {
  name: 'no request waits at one edge for a slot that is idle at another',
  check({ scenario, statuses }) {
    if (scenario.edges === 1 || scenario.faults.length > 0) return null
    const all = statuses.current()
    for (const { app, held, instances } of all) {
      if (held.oldestMs <= MOVING_MS) continue
      for (const other of all) {
        if (other.app !== app || other.held.count > 0) continue
        for (const { launch, grants, phase, connectedMs, busy } of other.instances) {
          const here = instances.find((each) => each.launch === launch)
          if (here?.phase !== 'ready' || phase !== 'ready' || busy > 0 || grants === 0) continue
          if (Math.min(connectedMs, here.connectedMs) > MOVING_MS)
            return `${app} holds a request for ${held.oldestMs} ms, and another edge has ${grants} idle grants`
        }
      }
    }
    return null
  },
}
