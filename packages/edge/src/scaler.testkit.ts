import type { AppScaler, Host, Instance, Launch, Problem, Scaler } from '@brxy/scaler'
import type { Adapter } from './scale/scalers.ts'

/** A platform in memory: it starts what it is told to start, and the test plays the linkers. */
export class FakePlatform implements Scaler {
  readonly instances = new Map<string, Instance>()
  /** Launches in the order of their start. */
  readonly started: { route: string; launch: Launch }[] = []
  readonly removed: string[] = []
  /** Whether it knows launches, or only a number of replicas. The linkers of those are told by the launches' ids too. */
  launches: AppScaler['launches'] = 'named'
  /** What its linkers do after GO. */
  leave: AppScaler['leave'] = 'exit'
  /** Whether it leaves alone what it is to remove, and says so. */
  keeps = false
  /** Of what was started here; the others belong to every route. */
  readonly #routes = new Map<string, string>()
  host!: Host
  isClosed = false

  /** For TestEdge and Edge. */
  get choice(): Adapter {
    return {
      factory: (_, host) => {
        this.host = host
        return this
      },
      options: {},
      isLocal: true,
    }
  }

  /** Routes of instances that an earlier run has left. */
  async known(): Promise<readonly string[]> {
    return [...new Set(this.#routes.values())]
  }

  /** It runs since before the edge. */
  left(id: string, route: string): void {
    this.#routes.set(id, route)
    this.#put(id, 'running')
  }

  app(route: string): AppScaler & { output(launch: string): readonly string[] } {
    const list = async () =>
      [...this.instances.values()].filter(({ id }) => (this.#routes.get(id) ?? route) === route)
    return {
      launches: this.launches,
      leave: this.leave,
      observe: list,
      output: (launch) => [`last words of ${launch}`],
      scale: async ({ start, remove }) => {
        for (const launch of start) {
          if (this.instances.has(launch.id)) continue
          this.started.push({ route, launch })
          this.#routes.set(launch.id, route)
          this.#put(launch.id, 'starting')
        }
        for (const { id } of remove) {
          if (this.keeps) this.tell(id, { kept: true }, route)
          else if (this.instances.delete(id)) this.removed.push(id)
        }
        return list()
      },
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  /** It starts one by itself, in place of one that has ended. */
  startAgain(id: string, route = 'shop'): void {
    this.#routes.set(id, route)
    this.#put(id, 'starting')
  }

  /** An instance ends, and the platform says so. */
  fail(launch: string, problem: Problem, route = 'shop'): void {
    this.#put(launch, 'ended', problem)
    this.host.changed(route)
  }

  /** What the platform says of an instance, from its next look on. */
  tell(launch: string, what: Partial<Instance>, route = 'shop'): void {
    this.instances.set(launch, { ...(this.instances.get(launch) as Instance), ...what })
    this.host.changed(route)
  }

  #put(launch: string, state: Instance['state'], problem?: Problem): void {
    this.instances.set(launch, {
      id: launch,
      ...(this.launches === 'named' ? { launch } : {}),
      state,
      since: 0,
      ...(problem === undefined ? {} : { problem }),
    })
  }
}
