import type { Invariant } from './invariant.ts'

/** DESIGN 7: `max` bounds what is connected or starting; whoever starts one by hand may go beyond. */
export const instances: Invariant = {
  name: 'nothing is launched beyond max, and each launch is one instance',
  watch(simulation, violated) {
    const failed = new Set<string>()
    simulation.onEdgeEvent.push((edge, event) => {
      if (event.type === 'launch-failed') failed.add(event.instance)
      if (event.type !== 'launching') return
      const status = edge.status().apps.find(({ app }) => app === event.app)
      if (status === undefined) return
      // Of one that has failed there may still be a session, until somebody finds that it is dead.
      const connected = status.instances.filter(
        ({ phase, instance }) => phase !== 'failed' && phase !== 'parked' && !failed.has(instance),
      )
      const total = connected.length + status.launches.length
      // A successor is launched beside what there may be: one at a time (surge).
      const isReplacing = simulation.instances.some(
        ({ plan, isToBeReplaced }) => plan.name === event.app && isToBeReplaced,
      )
      const max = simulation.plan(event.app).max + (isReplacing ? 1 : 0)
      if (total > max) violated(`${event.app} launches, and has ${total} of ${max} instances with that`)
    })
  },
  check({ statuses }) {
    for (const { app, instances } of statuses.current()) {
      const seen = new Set<string>()
      for (const { launch } of instances) {
        if (launch === null) continue
        if (seen.has(launch)) return `${app} has two instances of the launch ${launch}`
        seen.add(launch)
      }
    }
    return null
  },
}
