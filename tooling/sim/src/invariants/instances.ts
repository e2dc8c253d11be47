import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** DESIGN 7: `max` bounds what is connected or starting; whoever starts one by hand may go beyond. */
export const instances: Invariant = {
  name: 'nothing is launched beyond max, and each launch is one instance',
  watch(simulation, violated) {
    /** Apps of which an edge has given somebody up, who may come back beside what was launched for it. */
    const mayReturn = new Set<string>()
    simulation.onEdgeEvent.push((_edge, event) => {
      if (event.type === 'launch-failed' || (event.type === 'left' && event.reason === 'lost'))
        mayReturn.add(event.app)
    })
    simulation.onTarget.push((route, { want }) => {
      if (mayReturn.has(route)) return
      // What is there beyond that, of calls whose answers were lost, is waited for like any other.
      const there = simulation.platform.sizeOf(route)
      const max = Math.max(mayLaunch(simulation, route), there)
      if (want > max) violated(`${route} is to have ${want} instances, and may have ${max}`)
    })
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
      const max = mayLaunch(simulation, event.app)
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

/** A successor is launched beside what there may be: one at a time (surge). */
function mayLaunch(simulation: Simulation, route: string): number {
  const isReplacing = simulation.instances.some(
    ({ plan, isToBeReplaced }) => plan.name === route && isToBeReplaced,
  )
  return simulation.plan(route).max + (isReplacing ? 1 : 0)
}
