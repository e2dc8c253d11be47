import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Choice } from '@brxy/options'
import { BrxyError } from '@brxy/protocol'
import type { TimerWheel } from '@brxy/protocol/transport'
import type { Host, ScalerFactory } from '@brxy/scaler'
import type { Change } from '../listeners.ts'
import { type LaunchEnvironment, ScalerRunner } from './runner.ts'

/** A module that starts instances, and what is said about it once for all apps. */
export interface Adapter {
  readonly factory: ScalerFactory
  /** The adapter validates them. */
  readonly options: unknown
  /** Whether it works only on this machine, so that a loopback tunnel address is of use to it. */
  readonly isLocal: boolean
}

/** Adapters by the name under which apps choose them. */
export type Adapters = Readonly<Record<string, Adapter>>

export interface ScalersEnvironment {
  readonly owner: string
  readonly stateDir: string
  readonly wheel: TimerWheel
  readonly launch: LaunchEnvironment
  readonly log: Host['log']
  readonly onError: (message: string, error: unknown) => void
}

interface Running {
  readonly adapter: Adapter
  readonly runner: ScalerRunner
}

/** The scalers of an edge, one for each adapter that its apps use. */
export class Scalers {
  readonly #env: ScalersEnvironment
  #running: ReadonlyMap<string, Running> = new Map()

  constructor(env: ScalersEnvironment) {
    this.#env = env
  }

  /** What starts the instances of an app; null if nothing does. */
  of(choice: Choice | undefined): ScalerRunner | null {
    return choice === undefined ? null : (this.#running.get(choice.name)?.runner ?? null)
  }

  /**
   * Makes the scalers for these apps and has them check the options. An adapter whose own options are the same is kept.
   *
   * @param apps route and choice of each app; what a route stands for that is not known yet, `localhost` will do
   * @throws BrxyError `edge/no-adapter`, `edge/advertise-required`, and what an adapter throws
   */
  async change(
    adapters: Adapters,
    apps: Iterable<{ readonly route: string; readonly choice: Choice }>,
    isAdvertised: boolean,
  ): Promise<Change> {
    const next = new Map<string, Running>()
    const made: ScalerRunner[] = []
    const rollback = async () => {
      for (const runner of made) await this.#close(runner)
    }
    try {
      for (const { route, choice } of apps) {
        let entry = next.get(choice.name)
        if (entry === undefined) {
          entry =
            this.#kept(choice.name, adapters) ?? (await this.#make(choice.name, adapters, isAdvertised, made))
          next.set(choice.name, entry)
        }
        entry.runner.check(route, choice.options)
      }
    } catch (error) {
      await rollback()
      throw error
    }
    const commit = () => {
      const unused = [...this.#running.values()].filter(
        ({ runner }) => next.get(runner.name)?.runner !== runner,
      )
      this.#running = next
      for (const { runner } of unused) runner.closeWhenUnused()
    }
    return { commit, rollback }
  }

  /** What adapters that are new know of instances of an earlier run: routes, by the name of the adapter. */
  async known(): Promise<ReadonlyMap<string, readonly string[]>> {
    const all = [...this.#running.values()].map(
      async ({ runner }) => [runner.name, await runner.known()] as const,
    )
    return new Map(await Promise.all(all))
  }

  /** Removes all instances of all apps. */
  async removeAll(graceMs: number): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ runner }) => runner.removeAll(graceMs)))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ runner }) => this.#close(runner)))
  }

  #kept(name: string, adapters: Adapters): Running | undefined {
    const entry = this.#running.get(name)
    const adapter = adapters[name]
    if (entry === undefined || adapter?.factory !== entry.adapter.factory) return undefined
    return isDeepStrictEqual(adapter.options, entry.adapter.options) ? entry : undefined
  }

  async #make(
    name: string,
    adapters: Adapters,
    isAdvertised: boolean,
    made: ScalerRunner[],
  ): Promise<Running> {
    const adapter = adapters[name]
    const { owner, stateDir, wheel, launch, log, onError } = this.#env
    if (adapter === undefined) throw new BrxyError('edge/no-adapter', `nobody brought the scaler "${name}"`)
    if (!adapter.isLocal && !isAdvertised) {
      throw new BrxyError(
        'edge/advertise-required',
        `the scaler "${name}" starts instances elsewhere: set tunnel.advertise (--advertise) to the tunnel address they can reach`,
      )
    }
    // A name may be that of a file or of a package with a scope.
    const directory = join(stateDir, 'scaler', encodeURIComponent(name))
    await mkdir(directory, { recursive: true, mode: 0o700 })
    let runner: ScalerRunner | null = null
    const changed = (route: string) => runner?.changed(route)
    const scaler = adapter.factory(adapter.options, { owner, stateDir: directory, changed, log })
    runner = new ScalerRunner(name, scaler, launch, wheel, onError)
    made.push(runner)
    return { adapter, runner }
  }

  async #close(runner: ScalerRunner): Promise<void> {
    try {
      await runner.close()
    } catch (error) {
      this.#env.onError('a scaler could not be closed', error)
    }
  }
}
