import type { InstanceStatus } from '@brxy/edge'
import type { EdgeProcess } from '../actors/edge.ts'
import type { Invariant } from './invariant.ts'

/**
 * SCALERS.md: removal is asked only for what left, never came, or failed; never for one that is connected and serves. And
 * what is wanted is counted without it: a platform that cannot remove it yet would start another one each time.
 */
export const removals: Invariant = {
  name: 'the platform is never asked to remove an instance that serves, starts, or is waited for',
  watch({ onTarget, onEdgeEvent, edges, world }, violated) {
    const failed = new Set<string>()
    onEdgeEvent.push((edge, event) => {
      if (event.type === 'launch-failed') failed.add(`${edge.process.name} ${event.instance}`)
      else if (event.type === 'connected') failed.delete(`${edge.process.name} ${event.instance}`)
    })
    /** It serves, or it starts in its time. */
    const isToStay = ({ instance, phase }: InstanceStatus, { process }: EdgeProcess) =>
      phase === 'ready' || (phase === 'starting' && !failed.has(`${process.name} ${instance}`))
    onTarget.push((route, { remove }) => {
      const edge = edges.find(({ process }) => process === world.current)
      if (edge === undefined) return
      const app = edge.status().apps.find(({ app }) => app === route)
      for (const { id, launch } of remove) {
        const connected = app?.instances.find((each) =>
          launch === undefined ? each.platform === id : each.launch === launch,
        )
        if (connected !== undefined && isToStay(connected, edge))
          violated(`${connected.instance} is ${connected.phase}, and ${id} is to be removed`)
        const awaited = app?.launches.find(
          (each) => each.phase !== 'parked' && each.launch === (launch ?? id),
        )
        if (awaited !== undefined) violated(`${id} is ${awaited.phase} and wanted, and is to be removed`)
      }
    })
  },
}
