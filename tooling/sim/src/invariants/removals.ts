import type { Invariant } from './invariant.ts'

/**
 * SCALERS.md: removal is asked only for what left, never came, or failed; never for one that is connected and serves. And
 * what is wanted is counted without it: a platform that cannot remove it yet would start another one each time.
 */
export const removals: Invariant = {
  name: 'the platform is never asked to remove an instance that serves, or that is waited for',
  watch({ onTarget, edges, world }, violated) {
    onTarget.push((route, { remove }) => {
      const edge = edges.find(({ process }) => process === world.current)
      const app = edge?.status().apps.find(({ app }) => app === route)
      for (const { id, launch } of remove) {
        const serves = app?.instances.find(
          (each) =>
            each.phase === 'ready' && (launch === undefined ? each.platform === id : each.launch === launch),
        )
        if (serves !== undefined) violated(`${serves.instance} is ready, and ${id} is to be removed`)
        const awaited = app?.launches.find(
          (each) => each.phase !== 'parked' && each.launch === (launch ?? id),
        )
        if (awaited !== undefined) violated(`${id} is ${awaited.phase} and wanted, and is to be removed`)
      }
    })
  },
}
