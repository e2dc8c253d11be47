import { mkdirSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { AppScaler, Instance, Launch, Target } from '../contract.ts'
import { CASES } from './cases/all.ts'
import { runCase } from './conformance.ts'
import type { Driver } from './driver.ts'
import { CountedScaler } from './fake/counted.testkit.ts'
import { countedDriver, namedDriver } from './fake/driver.testkit.ts'
import { digest, NamedScaler } from './fake/named.testkit.ts'

// Each adapter here is an honest one with one bug planted, and the case that is named has to catch it, for its reason.

/** What an honest adapter does in milliseconds is not waited for very long. */
const TIMES = { patienceMs: 500, problemMs: 500, watchMs: 60, settleMs: 60, abortMs: 250, pollMs: 5 }

const leaked: Server[] = []
afterAll(() => leaked.forEach((server) => void server.close()))

interface Planted {
  readonly bug: string
  /** Begins the name of the case. */
  readonly caught: string
  /** What the failure says. */
  readonly says: RegExp
  readonly driver: Driver
}

const named = (Broken: typeof NamedScaler) => namedDriver((platform, host) => new Broken(platform, host))
const counted = (removal: Driver['removal'], Broken: typeof CountedScaler) =>
  countedDriver(removal, (platform, host, isOrdered) => new Broken(platform, host, isOrdered))

const PLANTED: readonly Planted[] = [
  {
    bug: 'says of a bad option only that it is bad',
    caught: 'refuses a bad option by its path',
    says: /expected "image" in the message, saw: bad options/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          if (typeof options === 'object' && options !== null && 'image' in options)
            return super.app(route, options)
          throw Object.assign(new Error('bad options'), { [Symbol.for('brxy.error')]: true })
        }
      },
    ),
  },
  {
    bug: 'takes bad options and says so later',
    caught: 'refuses a bad option by its path',
    says: /app\(\{\}\) has to throw, and did not/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: object): AppScaler {
          return super.app(route, { image: 'nope', ...options })
        }
      },
    ),
  },
  {
    bug: 'makes its state directory before it looks at the options',
    caught: 'refuses a bad option by its path',
    says: /is not made for options that are checked/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          mkdirSync(this.host.stateDir, { recursive: true })
          return super.app(route, options)
        }
      },
    ),
  },
  {
    bug: 'has its linkers park where nothing removes them',
    caught: 'launches and leaves as its driver says',
    says: /AppScaler\.leave/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          return { ...super.app(route, options), leave: 'park' }
        }
      },
    ),
  },
  {
    bug: 'answers before the platform lists what was started',
    caught: 'starts what it is told to start, lists it in its answer',
    says: /is in the answer of scale\(\)/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          const app = super.app(route, options)
          return {
            ...app,
            scale: async (target, signal) => {
              const before = await app.observe(signal)
              await app.scale(target, signal)
              return before
            },
          }
        }
      },
    ),
  },
  {
    bug: 'tells times in seconds',
    caught: 'starts what it is told to start, lists it in its answer',
    says: /since must be epoch milliseconds/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) => ({ ...one, since: one.since / 1_000 }))
        }
      },
    ),
  },
  {
    bug: 'starts twice',
    caught: 'makes one instance of one target, ten times at once',
    says: /expected 1 to run and to be listed, saw on the platform: .*-again/,
    driver: named(
      class extends NamedScaler {
        override async start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          await super.start(route, image, launch, signal)
          const labels = { ...this.labels(route), launch: `${launch.id}-again` }
          const spec = { image, labels, env: launch.env }
          await this.platform.create(`brxy-${launch.id}-again`, spec, signal).catch(() => {})
          return undefined
        }
      },
    ),
  },
  {
    bug: 'makes names that no other adapter makes',
    caught: 'makes one instance of one target from two adapters',
    says: /expected 1 to run and to be listed/,
    driver: named(
      class extends NamedScaler {
        readonly #own = Math.random().toString(36).slice(2)
        override nameOf(route: string, launch: string): string {
          return `${super.nameOf(route, launch)}-${this.#own}`
        }
      },
    ),
  },
  {
    bug: 'loses line ends of the environment',
    caught: 'hands a launch its environment byte for byte',
    says: /ODD_LINES/,
    driver: named(
      class extends NamedScaler {
        override environment({ env }: Launch): Record<string, string> {
          return Object.fromEntries(
            Object.entries(env).map(([name, value]) => [name, value.replaceAll('\n', ' ')]),
          )
        }
      },
    ),
  },
  {
    bug: 'fails the whole call when one launch is refused',
    caught: 'starts four of five when the third is refused',
    says: /the platform did not answer: refused/,
    driver: named(
      class extends NamedScaler {
        override async start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          const problem = await super.start(route, image, launch, signal)
          if (problem !== undefined) throw new Error(problem.message)
          return problem
        }
      },
    ),
  },
  {
    bug: 'lets the platform restart what ended with status 0',
    caught: 'does not start an instance again that ended with status 0',
    says: /was started more than once/,
    driver: named(
      class extends NamedScaler {
        override async start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          const labels = { ...this.labels(route), launch: launch.id }
          const spec = { image, labels, env: launch.env, restarts: true }
          await this.platform.create(this.nameOf(route, launch.id), spec, signal).catch(() => {})
          return undefined
        }
      },
    ),
  },
  {
    bug: 'takes status 0 for a failure',
    caught: 'does not start an instance again that ended with status 0',
    says: /expected no problem, saw/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          const problem = { code: 'crashed', message: 'it ended', final: true } as const
          const all = await super.list(route, signal)
          return all.map((one) => (one.state === 'ended' ? { ...one, problem } : one))
        }
      },
    ),
  },
  {
    bug: 'starts an id again that has ended',
    caught: 'does not start a launch again that has ended',
    says: /was started more than once|expected nothing to run, saw/,
    driver: named(
      class extends NamedScaler {
        override async start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          const there = this.platform.copies.get(this.nameOf(route, launch.id))
          if (there?.state === 'ended') this.platform.copies.delete(there.name)
          return super.start(route, image, launch, signal)
        }
      },
    ),
  },
  {
    bug: 'tells apps apart by one character',
    caught: 'starts and removes twenty apps, each by itself',
    says: /expected 1 to run and to be listed/,
    driver: named(
      class extends NamedScaler {
        override labels(route: string): Record<string, string> {
          return { ...super.labels(route), route: digest(route), app: digest(route).slice(0, 1) }
        }
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          const { owner, app } = this.labels(route)
          const copies = await this.platform.list({ owner, app }, signal)
          return copies.map(({ name, labels, since }) => {
            return { id: name, launch: labels.launch, state: 'running', since }
          })
        }
      },
    ),
  },
  {
    bug: 'makes names of routes, whatever is in them',
    caught: 'makes legal and different names of routes of any form',
    says: /illegal name/,
    driver: named(
      class extends NamedScaler {
        override nameOf(route: string, launch: string): string {
          return `${launch}-${route}`
        }
      },
    ),
  },
  {
    bug: 'ignores remove',
    caught: 'removes of five the middle one that left',
    says: /expected .* to run, saw|expected nothing else, saw/,
    driver: named(
      class extends NamedScaler {
        override async remove(): Promise<void> {}
      },
    ),
  },
  {
    bug: 'removes the newest, whichever left',
    caught: 'removes of five the middle one that left',
    says: /expected .* to run, saw|expected nothing else, saw/,
    driver: named(
      class extends NamedScaler {
        override async remove(route: string, _: Instance, signal: AbortSignal): Promise<void> {
          const [newest] = (await this.list(route, signal)).toReversed()
          if (newest !== undefined) await this.platform.delete(newest.id, signal)
        }
      },
    ),
  },
  {
    bug: 'lowers the number although the platform would remove another one',
    caught: 'keeps a middle one that left until those above it have left',
    says: /expected .* to run, saw|expected nothing else, saw/,
    driver: counted(
      'ordered',
      class extends CountedScaler {
        override removable(present: readonly Instance[], { remove }: Target): Instance[] {
          return present.filter(({ id }) => remove.some((one) => one.id === id))
        }
      },
    ),
  },
  {
    bug: 'lowers the number with every repetition',
    caught: 'removes one of five, whichever its platform chooses',
    says: /expected 4 of .* to run, saw/,
    driver: counted(
      'any',
      class extends CountedScaler {
        override nextReplicas(
          { want }: Target,
          replicas: number,
          _: readonly Instance[],
          leavers: readonly Instance[],
        ) {
          return leavers.length > 0 ? replicas - leavers.length : Math.max(want, replicas)
        }
      },
    ),
  },
  {
    bug: 'leaves the platform its 10 s',
    caught: 'gives each instance 45 s',
    says: /has 10000 ms to drain; a linker needs 45000 ms/,
    driver: { ...named(NamedScaler), graceMs: async () => 10_000 },
  },
  {
    bug: 'lowers without remove',
    caught: 'takes a lower number for no removal',
    says: /expected .* to run, saw|expected nothing else, saw/,
    driver: counted(
      'exact',
      class extends CountedScaler {
        override nextReplicas({ want }: Target): number {
          return want
        }
      },
    ),
  },
  {
    bug: 'counts a removal that another adapter has begun once more',
    caught: 'removes one, not two, when two adapters are told',
    says: /expected 4 of .* to run, saw/,
    driver: counted(
      'exact',
      class extends CountedScaler {
        override app(route: string, options: unknown): AppScaler {
          this.platform.endMs = 200
          return super.app(route, options)
        }
        override nextReplicas(
          { want }: Target,
          replicas: number,
          _: readonly Instance[],
          leavers: readonly Instance[],
        ) {
          return Math.max(want, replicas) - leavers.length
        }
      },
    ),
  },
  {
    bug: 'does one thing a call: it removes, or else it starts',
    caught: 'removes one that left and starts another one in the same call',
    says: /and a new one to run, saw/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          const app = super.app(route, options)
          const scale = (target: Target, signal: AbortSignal) =>
            app.scale(target.remove.length > 0 ? { ...target, start: [] } : target, signal)
          return { ...app, scale }
        }
      },
    ),
  },
  {
    bug: 'lists what was removed for ever',
    caught: 'removes all of three that left',
    says: /expected nothing to run and nothing to be listed/,
    driver: named(
      class extends NamedScaler {
        readonly #gone: Instance[] = []
        override async remove(route: string, instance: Instance, signal: AbortSignal): Promise<void> {
          await super.remove(route, instance, signal)
          this.#gone.push({ ...instance, state: 'ended' })
        }
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          const there = await super.list(route, signal)
          const ids = new Set(there.map(({ id }) => id))
          const gone = new Map(this.#gone.filter(({ id }) => !ids.has(id)).map((one) => [one.id, one]))
          return [...there, ...gone.values()]
        }
      },
    ),
  },
  {
    bug: 'rejects what it does not know',
    caught: 'takes what it does not know for removed',
    says: /the platform did not answer: 404/,
    driver: named(
      class extends NamedScaler {
        override async remove(route: string, instance: Instance, signal: AbortSignal): Promise<void> {
          if (!this.platform.copies.has(instance.id)) throw new Error('404')
          await super.remove(route, instance, signal)
        }
      },
    ),
  },
  {
    bug: 'lowers the number for what it does not know',
    caught: 'takes what it does not know for removed',
    says: /expected .* to run, saw|expected nothing else, saw/,
    driver: counted(
      'exact',
      class extends CountedScaler {
        override nextReplicas({ remove }: Target, replicas: number): number {
          return remove.length > 0 ? Math.max(0, replicas - remove.length) : 1
        }
      },
    ),
  },
  {
    bug: 'removes only what has ended',
    caught: 'removes a launch that runs and was never connected',
    says: /expected .* to run, saw|expected nothing else, saw/,
    driver: named(
      class extends NamedScaler {
        override async remove(route: string, instance: Instance, signal: AbortSignal): Promise<void> {
          if (this.platform.copies.get(instance.id)?.state === 'ended')
            await super.remove(route, instance, signal)
        }
      },
    ),
  },
  {
    bug: 'has one class for all problems',
    caught: 'tells the problem "image"',
    says: /expected a problem "image", saw/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) =>
            one.problem === undefined ? one : { ...one, problem: { ...one.problem, code: 'other' } },
          )
        }
      },
    ),
  },
  {
    bug: "does not say the platform's own words",
    caught: 'tells the problem "image"',
    says: /expected the platform's own words \(cannot pull "nope"\) in the message, saw: it failed/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) =>
            one.problem === undefined ? one : { ...one, problem: { ...one.problem, message: 'it failed' } },
          )
        }
      },
    ),
  },
  {
    bug: 'gives up a launch for which there is no room at the moment',
    caught: 'tells the problem "unschedulable"',
    says: /final of .*unschedulable/,
    driver: named(
      class extends NamedScaler {
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).map((one) =>
            one.problem === undefined ? one : { ...one, problem: { ...one.problem, final: true } },
          )
        }
      },
    ),
  },
  {
    bug: 'blocks for ever when it is aborted',
    caught: 'ends an aborted call soon',
    says: /scale\(\) aborted after -1 ms did not settle within 250 ms/,
    driver: named(
      class extends NamedScaler {
        override call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
          return super
            .call(signal, run)
            .catch((error) => (signal.aborted ? new Promise(() => {}) : Promise.reject(error)))
        }
      },
    ),
  },
  {
    bug: 'does not mark its errors',
    caught: 'ends an aborted call soon',
    says: /an error that is branded brxy\.error, saw Error: no/,
    driver: named(
      class extends NamedScaler {
        override call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
          return super.call(signal, run).catch(() => Promise.reject(new Error('no')))
        }
      },
    ),
  },
  {
    bug: 'resolves while the API is down',
    caught: "rejects while the platform's API is down",
    says: /observe\(\) has to reject while nothing can be concluded, but resolved with \[\]/,
    driver: named(
      class extends NamedScaler {
        override list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return super.list(route, signal).catch(() => [])
        }
      },
    ),
  },
  {
    bug: 'waits for an answer as long as it takes',
    caught: "rejects while the platform's API is silent",
    says: /observe\(\) during the outage did not settle within/,
    driver: named(
      class extends NamedScaler {
        override list(route: string): Promise<Instance[]> {
          return super.list(route, new AbortController().signal)
        }
      },
    ),
  },
  {
    bug: 'knows only what it has started itself',
    caught: 'knows after a restart what runs',
    says: /expected .* to run, saw .* listed: nothing/,
    driver: named(
      class extends NamedScaler {
        readonly #own = new Set<string>()
        override start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          this.#own.add(launch.id)
          return super.start(route, image, launch, signal)
        }
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).filter(({ launch }) => this.#own.has(launch ?? ''))
        }
      },
    ),
  },
  {
    bug: "sees other owners' instances",
    caught: 'neither shows nor touches what another owner has started',
    says: /another owner sees nothing/,
    driver: named(
      class extends NamedScaler {
        override labels(route: string): Record<string, string> {
          return { route: super.labels(route).route }
        }
      },
    ),
  },
  {
    bug: 'looks at the platform only when it is told of a change',
    caught: 'sees what happens while nothing tells it of changes',
    says: /expected 1 to run and to be listed, saw/,
    driver: named(
      class extends NamedScaler {
        readonly #known = new Map<string, Instance[]>()
        readonly #forget = () => this.#known.clear()
        override watch(route: string): void {
          super.watch(route)
          this.platform.watchers.add(this.#forget)
        }
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          const known = this.#known.get(route) ?? (await super.list(route, signal))
          this.#known.set(route, known)
          return known
        }
      },
    ),
  },
  {
    bug: 'leaks handles at close',
    caught: 'frees its handles when it is closed',
    says: /expected no handle to be left by close\(\).*1 TCPServerWrap/s,
    driver: named(
      class extends NamedScaler {
        override watch(route: string): void {
          super.watch(route)
          // No timer: test runners have those, too.
          leaked.push(createServer().listen(0, '127.0.0.1'))
        }
      },
    ),
  },
  {
    bug: 'takes its instances along when it is closed',
    caught: 'frees its handles when it is closed',
    says: /close\(\) leaves the instances/,
    driver: named(
      class extends NamedScaler {
        override async close(): Promise<void> {
          await super.close()
          this.platform.copies.clear()
        }
      },
    ),
  },
  {
    bug: 'goes on telling of changes after it was closed',
    caught: 'frees its handles when it is closed',
    says: /a closed adapter tells its host nothing/,
    driver: named(
      class extends NamedScaler {
        override async close(): Promise<void> {
          await super.close()
          this.platform.watchers.add(() => this.host.log('info', 'something changed'))
        }
      },
    ),
  },
  {
    bug: 'logs secrets',
    caught: 'shows no token in its log',
    says: /a token is shown: info launching .*\[the token\]/s,
    driver: named(
      class extends NamedScaler {
        override start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          this.host.log('info', 'launching', { launch })
          return super.start(route, image, launch, signal)
        }
      },
    ),
  },
  {
    bug: 'has an edge that starts one too few',
    caught: 'goes from zero to four instances and back',
    says: /served by four instances/,
    driver: {
      ...named(NamedScaler),
      endToEnd: async () => ({ ask: async () => sleep(30, 200), close: async () => {} }),
    },
  },
]

describe('the kit catches an adapter that', () => {
  it.each(PLANTED)('$bug', async ({ caught, says, driver }) => {
    const found = CASES.filter(({ name }) => name.startsWith(caught))
    expect(found.map(({ name }) => name)).toHaveLength(1)
    const [each] = found
    expect(each.lacks?.(driver)).toBeUndefined()
    const patient = { ...driver, times: { ...driver.times, ...TIMES } }
    await expect(runCase(patient, each)).rejects.toThrow(says)
  })
})

it('has no case that catches nothing', () => {
  const idle = CASES.filter(({ name }) => !PLANTED.some(({ caught }) => name.startsWith(caught)))
  // Those of the problems differ in a word.
  expect(idle.map(({ name }) => name).filter((name) => !name.startsWith('tells the problem'))).toEqual([])
})
