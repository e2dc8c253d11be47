import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { eventually } from '../wait.ts'

export const HINTS: readonly Case[] = [
  {
    name: 'tells its host, of the right app and unasked, that an instance has ended',
    lacks: ({ changedWithinMs }) =>
      changedWithinMs === undefined
        ? 'its driver has no changedWithinMs: the edge hears of changes when it looks'
        : undefined,
    async run(stage) {
      const { driver, times } = stage
      const host = stage.host()
      const adapter = await stage.adapter(host)
      const app = await stage.app(adapter)
      const other = await stage.app(adapter, stage.route('other'))
      const [{ id }] = await app.up(1)
      await other.up(1)
      // What is told of their starts comes late; and from now on nobody asks the adapter anything.
      await sleep(times.settleMs)
      const before = host.changedRoutes.length
      await driver.kill(id, app.route)
      const told = () => host.changedRoutes.slice(before)
      await eventually({
        missing: async () =>
          told().includes(app.route)
            ? undefined
            : `expected changed("${app.route}") after ${id} had ended, saw ${showRoutes(told())}`,
        withinMs: driver.changedWithinMs ?? 0,
        pollMs: times.pollMs,
      })
      const known = [app.route, other.route]
      assert.deepEqual(
        host.changedRoutes.filter((route) => !known.includes(route)),
        [],
        `expected changed() of ${known.join(' and ')} only`,
      )
    },
  },
]

function showRoutes(routes: readonly string[]): string {
  return routes.length === 0 ? 'nothing' : routes.map((route) => `changed("${route}")`).join(', ')
}
