import assert from 'node:assert/strict'
import type { Instance } from '../../contract.ts'
import { type Case, unlessNamed } from '../case.ts'
import type { Driver, Running } from '../driver.ts'
import type { Stage } from '../stage.ts'
import { areAll, areRunning, launchesOf, showSeen, someOf, type TestedApp } from '../tested-app.ts'
import { together } from '../wait.ts'

/** What an instance that drains needs: drain 30 s, stop 10 s, and 5 s. */
const MIN_GRACE_MS = 45_000

export const REMOVING: readonly Case[] = [
  {
    name: 'removes of five the middle one that left, and the four others run on',
    lacks: unlessRemoval('exact'),
    async run(stage) {
      const { app, those } = await fiveOf(stage)
      await leaves(stage, app, those[2])
      const others = await withoutIds(app, [those[2]])
      const target = { want: 4, start: [], remove: [those[2]] }
      await app.reach(target, areAll(others))
      await app.keep(target, areAll(others))
    },
  },
  {
    name: 'keeps a middle one that left until those above it have left, for its platform removes the highest',
    lacks: unlessRemoval('ordered'),
    async run(stage) {
      const { app, those } = await fiveOf(stage)
      const [first, second, middle, fourth, fifth] = those
      for (const { id, order } of those) assert.ok(order !== undefined, `${id} has an order`)
      await leaves(stage, app, middle)
      const all = await app.running()
      await app.keep({ want: 4, start: [], remove: [middle] }, areRunning(all))
      await leaves(stage, app, fifth)
      const lower = await withoutIds(app, [fifth])
      await app.reach({ want: 3, start: [], remove: [middle, fifth] }, areRunning(lower))
      await leaves(stage, app, fourth)
      const lowest = lower.filter(({ id }) => id === first.id || id === second.id)
      await app.reach({ want: 2, start: [], remove: [middle, fourth] }, areRunning(lowest))
    },
  },
  {
    name: 'removes one of five, whichever its platform chooses, which has its full grace',
    lacks: ({ removal, graceMs }) => {
      if (removal !== 'any') return 'its platform removes the one that left'
      return graceMs === undefined ? 'its driver has no graceMs' : undefined
    },
    async run(stage) {
      const { app, those } = await fiveOf(stage)
      for (const { id } of those) await hasGrace(stage, id, app.route)
      await leaves(stage, app, those[2])
      const before = await app.running()
      const target = { want: 4, start: [], remove: [those[2]] }
      await app.reach(target, someOf(before, 4))
      await app.keep(target, someOf(before, 4))
    },
  },
  {
    name: 'gives each instance 45 s from being told to end to being killed',
    lacks: ({ graceMs, removal }) => {
      if (removal === 'any') return 'it is part of another case'
      return graceMs === undefined ? 'its driver has no graceMs' : undefined
    },
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      for (const { id } of await app.up(1)) await hasGrace(stage, id, app.route)
    },
  },
  {
    name: 'takes a lower number for no removal: five run on when one is wanted and none is to be removed',
    async run(stage) {
      const { app } = await fiveOf(stage)
      const all = await app.running()
      for (const want of [1, 0]) {
        const target = { want, start: [], remove: [] }
        await app.scale(target)
        await app.keep(target, areRunning(all))
      }
    },
  },
  {
    name: 'removes one, not two, when two adapters are told of the same one that left',
    async run(stage) {
      const { app, those } = await fiveOf(stage)
      const other = await stage.app(await stage.adapter(), app.route)
      const before = await app.running()
      await leaves(stage, app, lastOf(those))
      const target = { want: 4, start: [], remove: [lastOf(those)] }
      await together([app.scale(target), other.scale(target)])
      await app.reach(target, someOf(before, 4))
      await together([app.keep(target, someOf(before, 4)), other.keep(target, someOf(before, 4))])
    },
  },
  {
    name: 'removes one that left and starts another one in the same call',
    lacks: (driver) =>
      driver.leaves === 'park'
        ? 'the one that left is parked: it is recalled instead'
        : unlessRemoval('exact')(driver),
    async run(stage) {
      const { app, those } = await fiveOf(stage)
      await leaves(stage, app, those[2])
      const others = await withoutIds(app, [those[2]])
      const target = { want: 5, start: launchesOf(app.route, 1), remove: [those[2]] }
      const { running } = await app.reach(target, (seen) => {
        const stay = others.every(({ id }) => seen.running.some((one) => one.id === id))
        const isGone = [...seen.running, ...seen.instances].every(({ id }) => id !== those[2].id)
        if (stay && isGone && seen.running.length === 5) return undefined
        return `expected ${others.map(({ id }) => id).join(', ')} and a new one to run, saw ${showSeen(seen)}`
      })
      await app.keep(target, areRunning(running))
    },
  },
  {
    name: 'removes all of three that left, and lists none of them any more',
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const three = await app.up(3)
      for (const instance of three) await leaves(stage, app, instance)
      await app.reach({ want: 0, start: [], remove: three }, (seen) => {
        if (seen.running.length === 0 && seen.instances.length === 0) return undefined
        return `expected nothing to run and nothing to be listed, saw ${showSeen(seen)}`
      })
    },
  },
  {
    name: 'takes what it does not know for removed, and removes nothing else',
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const [{ since }] = await app.up(1)
      const running = await app.running()
      const [{ id }] = launchesOf(app.route, 1)
      const unknown = { id: `brxy-${id}`, ...launchOf(stage.driver, id), state: 'running', since } as const
      const target = { want: 1, start: [], remove: [unknown] }
      await app.scale(target)
      await app.keep(target, areRunning(running))
    },
  },
  {
    name: 'removes a launch that runs and was never connected',
    lacks: unlessNamed,
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const [one, other] = await app.up(2)
      const stays = await withoutIds(app, [one])
      await app.reach({ want: 1, start: [], remove: [one] }, areRunning(stays))
      assert.equal(stays[0].id, other.id)
    },
  },
]

/** Five that run, in the order in which their platform would remove them last. */
async function fiveOf(stage: Stage): Promise<{ app: TestedApp; those: readonly Instance[] }> {
  const app = await stage.app(await stage.adapter())
  return { app, those: await app.up(5) }
}

/** An instance leaves; where that ends it, the platform has noticed. */
async function leaves({ driver }: Stage, app: TestedApp, { id }: Instance): Promise<void> {
  await driver.leave(id, app.route)
  if (driver.leaves === 'park') return
  await app.see((seen) => {
    const runs = seen.running.some((one) => one.id === id)
    return runs ? `expected ${id} to have ended, saw ${showSeen(seen)}` : undefined
  })
}

async function withoutIds(app: TestedApp, gone: readonly Instance[]): Promise<readonly Running[]> {
  const ids = new Set(gone.map(({ id }) => id))
  return (await app.running()).filter(({ id }) => !ids.has(id))
}

async function hasGrace({ driver }: Stage, id: string, route: string): Promise<void> {
  const graceMs = (await driver.graceMs?.(id, route)) ?? 0
  assert.ok(graceMs >= MIN_GRACE_MS, `${id} has ${graceMs} ms to drain; a linker needs ${MIN_GRACE_MS} ms`)
}

/** Where the platform removes the highest: that one. */
function lastOf(instances: readonly Instance[]): Instance {
  return instances[instances.length - 1]
}

function launchOf({ launches }: Driver, id: string): { launch?: string } {
  return launches === 'named' ? { launch: id } : {}
}

function unlessRemoval(wanted: Driver['removal']): (driver: Driver) => string | undefined {
  const why = {
    exact: 'its platform removes the one that left',
    ordered: 'its platform removes the highest',
    any: 'its platform chooses which one goes',
  }
  return ({ removal }) => (removal === wanted ? undefined : why[removal])
}
