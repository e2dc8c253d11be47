import type { SimProcess } from '../machine/process.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** What has parked and is to be removed may be ended at any moment: what it began would have the time of a drain, and no more. */
export const removed: Invariant = {
  name: 'no request is dispatched to an instance whose removal was asked for after it parked',
  watch(simulation, violated) {
    const { onTarget, onTargetFailed, edges, world, chronicle, platform } = simulation
    /** Which edge process asked for the removal of which linker process. Another edge does not know of it. */
    const asked = new Map<string, { readonly edge: SimProcess; readonly linker: string }>()
    onTarget.push((route, { remove }) => {
      const edge = edges.find(({ process }) => process === world.current)
      if (edge === undefined) return
      const app = edge.status().apps.find(({ app }) => app === route)
      for (const { id } of remove) {
        const linker = parkedIn(simulation, id, edge.process)
        const isParked = app?.instances.some(({ platform, phase }) => platform === id && phase === 'parked')
        if (linker !== undefined && isParked === true) asked.set(id, { edge: edge.process, linker })
      }
    })
    // It may have been carried out, and nobody but the platform knows.
    onTargetFailed.push((_route, { remove }) => {
      for (const { id } of remove) asked.delete(id)
    })
    chronicle.onBegun.push((request, application) => {
      const instance = simulation.instances.find((each) => each.application.process.name === application)
      if (instance === undefined || instance.replica === null) return
      const { name, replica, plan } = instance
      const removal = asked.get(replica)
      if (removal?.linker !== name || !edges.some(({ process }) => process === removal.edge)) return
      if (platform.isRemoving(plan.name, replica))
        violated(`request ${request} is dispatched to ${name}, which the platform was asked to remove`)
    })
  },
}

/**
 * The linker that the edge knows to be parked in a replica. The platform may have started another one in it since: until the
 * edge hears of that, the removal is of the one before.
 */
function parkedIn({ instances, chronicle }: Simulation, id: string, edge: SimProcess): string | undefined {
  return instances.findLast(
    ({ replica, name }) => replica === id && chronicle.parked.get(name)?.has(edge) === true,
  )?.name
}
