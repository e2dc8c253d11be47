import assert from 'node:assert/strict'
import { type Case, unlessNamed, without } from '../case.ts'
import { areRunning, launchesOf, runs, type Seen, showSeen } from '../tested-app.ts'
import { together } from '../wait.ts'

const APPS = 20
const CALLS = 10

/** Bytes that quoting, splitting or line-based formats lose. */
const ODD_VALUES = {
  ODD_QUOTES: `'single' "double" \\back\\ $HOME \`tick\` $(x) %s {{.y}} \${z}`,
  ODD_LINES: 'one\ntwo\n\n  four: [x]\t# five\n',
  ODD_SPACE: '  before and after  ',
  ODD_UNICODE: 'żółć → 🙂',
  ODD_EMPTY: '',
  ODD_LONG: 'x'.repeat(4_096),
}

export const STARTING: readonly Case[] = [
  {
    name: 'launches and leaves as its driver says',
    async run(stage) {
      const { scaler } = await stage.app(await stage.adapter())
      assert.equal(scaler.launches, stage.driver.launches, 'AppScaler.launches')
      assert.equal(scaler.leave, stage.driver.leaves, 'AppScaler.leave')
    },
  },
  {
    name: 'starts what it is told to start, lists it in its answer, and nothing before',
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      assert.deepEqual(await app.observe(), [], 'nothing is listed before the first launch')
      const start = launchesOf(app.route, 2)
      const answer = await app.scale({ want: 2, start, remove: [] })
      if (stage.driver.launches === 'named') {
        const listed = new Set(answer.map(({ launch }) => launch))
        for (const { id } of start) assert.ok(listed.has(id), `launch ${id} is in the answer of scale()`)
      }
      await app.see(runs(2))
    },
  },
  {
    name: 'makes one instance of one target, ten times at once',
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const target = { want: 1, start: launchesOf(app.route, 1), remove: [] }
      await together(Array.from({ length: CALLS }, () => app.scale(target)))
      const { running } = await app.reach(target, runs(1))
      await app.keep(target, areRunning(running))
    },
  },
  {
    name: 'makes one instance of one target from two adapters at once',
    async run(stage) {
      const route = stage.route()
      const [one, other] = [
        await stage.app(await stage.adapter(), route),
        await stage.app(await stage.adapter(), route),
      ]
      const target = { want: 1, start: launchesOf(route, 1), remove: [] }
      await together([one.scale(target), other.scale(target), one.scale(target), other.scale(target)])
      const { running } = await one.reach(target, runs(1))
      await other.reach(target, areRunning(running))
      await one.keep(target, areRunning(running))
    },
  },
  {
    name: 'hands a launch its environment byte for byte: quotes, line ends, 4 KiB',
    lacks: (driver) => unlessNamed(driver) ?? without('environment')(driver),
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const start = launchesOf(app.route, 1, ODD_VALUES)
      const { instances } = await app.reach({ want: 1, start, remove: [] }, runs(1))
      const arrived = await stage.driver.environment?.(instances[0].id, app.route)
      for (const [name, value] of Object.entries(start[0].env)) assert.equal(arrived?.[name], value, name)
    },
  },
  {
    name: 'starts four of five when the third is refused, and tells why',
    lacks: (driver) => unlessNamed(driver) ?? without('refuse')(driver),
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const start = launchesOf(app.route, 5)
      const { id: refused } = start[2]
      await stage.driver.refuse?.(refused, app.route)
      const others = new Set(start.map(({ id }) => id).filter((id) => id !== refused))
      await app.reach({ want: 5, start, remove: [] }, (seen) => {
        const { instances, running } = seen
        const up = instances.filter(({ state, launch }) => state !== 'ended' && others.has(launch ?? ''))
        const told = instances.some(({ launch, problem }) => launch === refused && problem !== undefined)
        if (running.length === 4 && up.length === 4 && told) return undefined
        return `expected four to run and a problem with ${refused}, saw ${showSeen(seen)}`
      })
    },
  },
  {
    name: 'does not start an instance again that ended with status 0, and removes its record',
    lacks: ({ leaves }) => (leaves === 'exit' ? undefined : 'its instances do not exit: they are parked'),
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const start = launchesOf(app.route, 1)
      const { instances } = await app.reach({ want: 1, start, remove: [] }, runs(1))
      await stage.driver.leave(instances[0].id, app.route)
      // Of a named launch an edge may not know yet that it is over. A count that it still wanted would be another one.
      const target = stage.driver.launches === 'named' ? { want: 1, start } : { want: 0, start: [] }
      await app.reach({ ...target, remove: [] }, endedWell)
      await app.keep({ ...target, remove: [] }, endedWell, stage.times.watchMs)
      await app.reach({ want: 0, start: [], remove: instances }, (seen) =>
        seen.instances.length === 0 ? undefined : `expected nothing to be listed, saw ${showSeen(seen)}`,
      )
    },
  },
  {
    name: 'does not start a launch again that has ended, also when it is told to',
    lacks: unlessNamed,
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const start = launchesOf(app.route, 1)
      const target = { want: 1, start, remove: [] }
      const { instances } = await app.reach(target, runs(1))
      await stage.driver.kill(instances[0].id, app.route)
      await app.see(noneRuns)
      await app.keep(target, noneRuns)
    },
  },
  {
    name: 'starts and removes twenty apps, each by itself',
    async run(stage) {
      const adapter = await stage.adapter()
      const routes = Array.from({ length: APPS }, (_, at) => stage.route(`app${at}`))
      const apps = await together(routes.map((route) => stage.app(adapter, route)))
      const up = await together(apps.map((app) => app.up(1)))
      await together(apps.map((app, at) => app.reach({ want: 0, start: [], remove: up[at] }, runs(0))))
    },
  },
  {
    name: 'makes legal and different names of routes of any form',
    async run(stage) {
      const adapter = await stage.adapter()
      const base = stage.route('x')
      const dashes = base.replaceAll('.', '-')
      const routes = [base, dashes, `*.${base}`, `${base}/a/b`, `tcp:5432-${dashes}`]
      const long = ['com', 'org'].map((end) => stage.longRoute(end))
      for (const route of long) assert.equal(route.length, 253)
      const apps = await together([...routes, ...long].map((route) => stage.app(adapter, route)))
      const up = await together(apps.map((app) => app.up(1)))
      const ids = new Set(
        up.map(([{ id, launch }], at) => `${stage.driver.launches === 'named' ? launch : `${at} ${id}`}`),
      )
      assert.equal(ids.size, apps.length, 'each route has an instance of its own')
    },
  },
]

/** Nothing runs; what ended may be listed. */
function noneRuns(seen: Seen): string | undefined {
  const { instances, running } = seen
  if (running.length === 0 && instances.every(({ state }) => state === 'ended')) return undefined
  return `expected nothing to run, saw ${showSeen(seen)}`
}

/** As well, nothing went wrong: status 0 is no problem. */
function endedWell(seen: Seen): string | undefined {
  if (seen.instances.every(({ problem }) => problem === undefined)) return noneRuns(seen)
  return `expected no problem, saw ${showSeen(seen)}`
}
