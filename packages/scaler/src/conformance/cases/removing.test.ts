import type { AppScaler, Instance, Target } from '../../contract.ts'
import { CountedScaler } from '../fake/counted.testkit.ts'
import { NamedScaler } from '../fake/named.testkit.ts'
import { catches, counted, named } from '../planted.testkit.ts'
import { REMOVING } from './removing.ts'

catches(REMOVING, [
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
])
