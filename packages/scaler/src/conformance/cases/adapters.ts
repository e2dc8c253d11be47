import assert from 'node:assert/strict'
import type { Scaler } from '../../contract.ts'
import { type Case, unlessNamed, without } from '../case.ts'
import type { Driver, Running } from '../driver.ts'
import { lastingHandles, moreThan } from '../open-handles.ts'
import type { Stage } from '../stage.ts'
import { areRunning, launchesOf, runs, showSeen } from '../tested-app.ts'
import { eventually, within } from '../wait.ts'

/** Moments at which a call is aborted: before it, at once, and while it is on its way. */
const ABORTED_AFTER_MS = [-1, 0, 1, 5, 20, 60]

export const ADAPTERS: readonly Case[] = [
  {
    name: 'ends an aborted call soon, and its repetition makes what was wanted',
    async run(stage) {
      const app = await stage.app(await stage.adapter())
      const target = { want: 3, start: launchesOf(app.route, 3), remove: [] }
      for (const afterMs of ABORTED_AFTER_MS) {
        await endsAborted(stage, `scale() aborted after ${afterMs} ms`, afterMs, (signal) =>
          app.scaler.scale(target, signal),
        )
      }
      await endsAborted(stage, 'observe() aborted before', -1, (signal) => app.scaler.observe(signal))
      const { running } = await app.reach(target, runs(3))
      await app.keep(target, areRunning(running))
    },
  },
  ...(['refused', 'silent'] as const).map(
    (kind): Case => ({
      name: `rejects while the platform's API is ${kind === 'refused' ? 'down' : 'silent'}, and goes on afterwards`,
      lacks: ({ outages }: Driver) =>
        outages?.[kind] === undefined ? `its driver has no outage "${kind}"` : undefined,
      run: (stage) => outlasts(stage, kind),
    }),
  ),
  {
    name: 'knows after a restart what runs, starts none of it again, and removes it',
    async run(stage) {
      const { driver } = stage
      const host = stage.host()
      const first = await stage.adapter(host)
      const before = await stage.app(first)
      const start = launchesOf(before.route, 3)
      const target = { want: 3, start, remove: [] }
      const { running, instances } = await before.reach(target, runs(3))
      const again = stage.adopt(await restarted(driver, first, host))
      const app = await stage.app(again, before.route)
      await app.see(areRunning(running))
      await app.keep(target, areRunning(running))
      const gone = instances.toSorted((a, b) => (b.order ?? 0) - (a.order ?? 0))[0]
      await app.reach({ want: 2, start: [], remove: [gone] }, runs(2))
    },
  },
  {
    name: 'neither shows nor touches what another owner has started',
    lacks: unlessNamed,
    async run(stage) {
      const route = stage.route()
      const mine = await stage.app(await stage.adapter(stage.host('a')), route)
      const [{ id }] = await mine.up(1)
      const running = await mine.running()
      const other = await stage.app(await stage.adapter(stage.host('b')), route)
      assert.deepEqual(await other.observe(), [], 'another owner sees nothing')
      const [instance] = (await mine.observe()).filter((one) => one.id === id)
      assert.deepEqual(
        await other.scale({ want: 0, start: [], remove: [instance] }),
        [],
        'what another owner removes is not there',
      )
      await mine.keep({ want: 1, start: [], remove: [] }, areRunning(running))
    },
  },
  {
    name: 'sees what happens while nothing tells it of changes',
    lacks: without('loseWatch'),
    async run(stage) {
      const { driver } = stage
      const app = await stage.app(await stage.adapter())
      const instances = await app.up(2)
      await driver.loseWatch?.()
      const { id } = instances[instances.length - 1]
      if (driver.leaves === 'exit') await driver.leave(id, app.route)
      const target = { want: 1, start: [], remove: [instances[instances.length - 1]] }
      const { running } = await app.reach(target, runs(1))
      await driver.loseWatch?.()
      await app.see(areRunning(running))
    },
  },
  {
    name: 'frees its handles when it is closed, leaves its instances, and is told of nothing any more',
    async run(stage) {
      const { driver, times } = stage
      // What the driver and Node keep open after their first use is no leak of the adapter's.
      const first = await stage.adapter()
      await (await stage.app(first, stage.route('warm'))).up(1)
      await within('close()', times.patienceMs, first.close())
      const before = await lastingHandles(times.settleMs, times.pollMs)
      const host = stage.host('closing')
      const adapter = await stage.adapter(host)
      const app = await stage.app(adapter, stage.route('closed'))
      const [{ id }] = await app.up(1)
      const running = await app.running()
      await within('close()', times.patienceMs, adapter.close())
      const left = moreThan(before, await lastingHandles(times.settleMs, times.pollMs))
      assert.deepEqual(left, [], 'expected no handle to be left by close()')
      assert.deepEqual(await app.running(), running, 'close() leaves the instances')
      await assert.rejects(async () => app.scaler.observe(AbortSignal.timeout(times.patienceMs)), isBranded)
      const told = host.toldCount
      await driver.kill(id, app.route)
      // Where replicas are counted, the platform may have started another one by now.
      const isThatOne = (one: Running) => running.some(({ incarnation }) => one.incarnation === incarnation)
      await eventually({
        missing: async () =>
          (await app.running()).some(isThatOne) ? `expected ${id} to have ended` : undefined,
        withinMs: times.patienceMs,
        pollMs: times.pollMs,
      })
      assert.equal(host.toldCount, told, 'a closed adapter tells its host nothing')
    },
  },
]

async function restarted(driver: Driver, adapter: Scaler, host: ReturnType<Stage['host']>): Promise<Scaler> {
  if (driver.restartAdapter !== undefined) return driver.restartAdapter(adapter, host)
  await adapter.close()
  return driver.make(host)
}

/** A call whose signal fires ends soon, whatever it comes to. @param afterMs -1: it has fired before */
async function endsAborted(
  { times }: Stage,
  what: string,
  afterMs: number,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const signal = afterMs < 0 ? AbortSignal.abort() : AbortSignal.timeout(afterMs)
  const limitMs = Math.max(afterMs, 0) + times.abortMs
  // An async function, for an adapter may throw as well.
  const settled = (async () => call(signal))().then(
    () => {},
    (error) => assert.ok(isBranded(error), `an error that is branded brxy.error, saw ${error}`),
  )
  await within(what, limitMs, settled)
}

/** @param kind of the outage */
async function outlasts(stage: Stage, kind: 'refused' | 'silent'): Promise<void> {
  const { driver, times } = stage
  const app = await stage.app(await stage.adapter())
  const [first] = launchesOf(app.route, 1)
  const { running } = await app.reach({ want: 1, start: [first], remove: [] }, runs(1))
  const end = await driver.outages?.[kind]?.()
  let isOver = false
  const over = async () => {
    if (!isOver) await end?.()
    isOver = true
  }
  stage.atEnd(over)

  const target = { want: 2, start: launchesOf(app.route, 1), remove: [] }
  // Silence has to be waited out, by whoever calls; a refusal does not.
  const signal = () => AbortSignal.timeout(kind === 'silent' ? times.settleMs : times.patienceMs)
  const limitMs = kind === 'silent' ? times.settleMs + times.abortMs : times.patienceMs
  for (const [what, call] of [
    ['observe()', () => app.scaler.observe(signal())],
    ['scale()', () => app.scaler.scale(target, signal())],
  ] as const) {
    const answer = await within(
      `${what} during the outage`,
      limitMs,
      (async () => call())().then(
        (instances) => `resolved with ${JSON.stringify(instances)}`,
        (error) => (isBranded(error) ? undefined : `rejected with ${error}, which is not branded brxy.error`),
      ),
    )
    assert.equal(answer, undefined, `${what} has to reject while nothing can be concluded, but ${answer}`)
  }

  await over()
  const known = new Set(running.map(({ id }) => id))
  // A launch that failed because of it has failed: the edge then makes another one.
  const isSpent = (await app.observe()).some(
    ({ launch, state }) => state === 'ended' && launch === target.start[0].id,
  )
  const again = isSpent ? { ...target, start: launchesOf(app.route, 1) } : target
  await app.reach(again, (seen) => {
    if (runs(2)(seen) === undefined && seen.running.some(({ id }) => known.has(id))) return undefined
    return `expected the first and a second one to run after the outage, saw ${showSeen(seen)}`
  })
}

function isBranded(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, Symbol.for('brxy.error')) === true
}
