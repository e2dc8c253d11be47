import type { AppScaler, Host, Instance, Scaler, Target } from '../../contract.ts'
import { ScalerError } from '../../error.ts'
import { imageOf, instanceOf } from './named.testkit.ts'
import { type FakePlatform, orderOf } from './platform.testkit.ts'

const MAX_WRITES = 10

/** An adapter for counted replicas, as short as an honest one can be. What is planted in it overrides its methods. */
export class CountedScaler implements Scaler {
  readonly platform: FakePlatform
  readonly host: Host
  /** Whether the platform removes the highest. */
  readonly isOrdered: boolean
  isClosed = false

  constructor(platform: FakePlatform, host: Host, isOrdered: boolean) {
    this.platform = platform
    this.host = host
    this.isOrdered = isOrdered
  }

  app(route: string, options: unknown): AppScaler {
    imageOf(route, options)
    const { workload } = options as { workload: string }
    return {
      launches: 'counted',
      leave: 'park',
      scale: (target, signal) =>
        this.call(signal, async () => {
          await this.resize(workload, target, signal)
          return this.list(workload, signal)
        }),
      observe: (signal) => this.call(signal, () => this.list(workload, signal)),
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  async call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    if (this.isClosed) throw new ScalerError('scaler/closed', 'it was closed')
    try {
      signal.throwIfAborted()
      return await run()
    } catch (error) {
      const code = signal.aborted ? 'scaler/aborted' : 'scaler/unavailable'
      throw new ScalerError(code, `the platform did not answer: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  /** One conditional write, again if somebody else wrote meanwhile. */
  async resize(name: string, target: Target, signal: AbortSignal): Promise<void> {
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      const { replicas, version } = await this.platform.workload(name, signal)
      const present = await this.list(name, signal)
      const leavers = this.removable(present, target)
      const next = this.nextReplicas(target, replicas, present, leavers)
      if (next === replicas) return
      try {
        await this.platform.resize(
          name,
          { replicas: next, version, leavers: leavers.map(({ id }) => id) },
          signal,
        )
        return
      } catch (error) {
        if (!(error as Error).message.startsWith('stale')) throw error
      }
    }
    throw new Error(`${name} was written by others ${MAX_WRITES} times in a row`)
  }

  /** Those of `remove` that the platform would remove. */
  removable(present: readonly Instance[], { remove }: Target): Instance[] {
    const ids = new Set(remove.map(({ id }) => id))
    const leavers = present.filter(({ id }) => ids.has(id))
    if (!this.isOrdered) return leavers
    const fromTop = present.toSorted((a, b) => (b.order ?? 0) - (a.order ?? 0))
    const stays = fromTop.findIndex(({ id }) => !ids.has(id))
    return stays < 0 ? fromTop : fromTop.slice(0, stays)
  }

  nextReplicas(
    { want, remove }: Target,
    replicas: number,
    present: readonly Instance[],
    leavers: readonly Instance[],
  ): number {
    const ids = new Set(remove.map(({ id }) => id))
    const stuck = present.filter(({ id }) => ids.has(id)).length - leavers.length
    const inFlight = Math.max(0, present.length - replicas)
    return Math.max(want + stuck, replicas - Math.max(0, leavers.length - inFlight))
  }

  async list(workload: string, signal: AbortSignal): Promise<Instance[]> {
    const copies = await this.platform.list({ workload }, signal)
    return copies.map((copy) => ({
      ...instanceOf(copy),
      ...(this.isOrdered ? { order: orderOf(copy) } : {}),
    }))
  }
}
