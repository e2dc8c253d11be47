import type { AppScaler, Instance, Launch } from '../../contract.ts'
import { digest, NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { STARTING } from './starting.ts'

catches(STARTING, [
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
])
