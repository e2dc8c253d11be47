import type { Invariant } from './invariant.ts'

/** DESIGN 6: matching is complete after every change. */
export const idleGrant: Invariant = {
  name: 'no request is held while a usable grant is idle',
  check({ statuses }) {
    for (const { app, held, instances } of statuses.current()) {
      if (held.count === 0) continue
      for (const { instance, phase, grants, suspect } of instances) {
        if (grants > 0 && !suspect && (phase === 'ready' || phase === 'starting'))
          return `${app} holds ${held.count} and ${instance} has ${grants} grants`
      }
    }
    return null
  },
}
