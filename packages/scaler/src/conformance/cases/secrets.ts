import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Launch } from '../../contract.ts'
import { type Case, unlessNamed } from '../case.ts'
import type { Stage } from '../stage.ts'
import { launchesOf, runs } from '../tested-app.ts'

export const SECRETS: readonly Case[] = [
  {
    name: 'shows no token in its log, its answers or its errors',
    lacks: unlessNamed,
    async run(stage) {
      const host = stage.host()
      const adapter = await stage.adapter(host)
      const said: string[] = []
      const keep = (what: unknown) => said.push(inspect(what, { depth: 10 }))

      const app = await stage.app(adapter)
      const start = launchesOf(app.route, 2)
      const { instances } = await app.reach({ want: 2, start, remove: [] }, runs(2))
      keep(instances)
      await stage.driver.kill(instances[0].id, app.route)
      keep(await app.reach({ want: 1, start: [], remove: [instances[0]] }, runs(1)))
      // What goes wrong is what adapters say most about.
      const failed = await meetsProblems(stage, host, keep)
      await app.scaler.scale({ want: 0, start, remove: [] }, AbortSignal.abort()).then(keep, keep)
      await adapter.close()
      await app.scaler.scale({ want: 0, start, remove: [] }, AbortSignal.timeout(1_000)).then(keep, keep)

      for (const { env } of [...start, ...failed])
        for (const text of [...host.lines, ...said])
          assert.ok(
            !text.includes(env.BRXY_TOKEN),
            `a token is shown: ${text.replace(env.BRXY_TOKEN, '[the token]')}`,
          )
    },
  },
]

/** One launch for each problem that the driver has. */
async function meetsProblems(
  stage: Stage,
  host: ReturnType<Stage['host']>,
  keep: (what: unknown) => void,
): Promise<Launch[]> {
  const launches: Launch[] = []
  for (const [code, provoke] of Object.entries(stage.driver.problems ?? {})) {
    const route = stage.route(`bad-${code}`)
    stage.cleans(route)
    const { options, make, undo } = await provoke(route)
    if (undo !== undefined) stage.atEnd(undo)
    const app = await stage.app(await stage.adapter(host, make), route, Promise.resolve(options))
    const start = launchesOf(route, 1)
    launches.push(...start)
    await app.scale({ want: 1, start, remove: [] }).then(keep, keep)
    const isKnown = ({ instances }: { instances: readonly { problem?: unknown }[] }) =>
      instances.some(({ problem }) => problem !== undefined) ? undefined : `expected a problem "${code}"`
    keep(await app.see(isKnown))
  }
  return launches
}
