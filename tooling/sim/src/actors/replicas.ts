import {
  countedTarget,
  keptInstances,
  type Instance as Listed,
  type Problem,
  type Target,
} from '@brxy/scaler'
import type { Chronicle } from '../chronicle.ts'
import type { World } from '../machine/world.ts'
import type { PlatformMode } from '../scenario/scenario.ts'
import type { Instance } from './instance.ts'

/** After SIGTERM, SIGKILL. */
const KILL_MS = 15_000
/** What exits is started again so soon. */
const RESTART_MS = 1_000
/** How late the platform does what it was told. */
const RECONCILE_MS = 200
/** From the choice of the one that is to end until it is told: Kubernetes takes about a second. */
const SIGNAL_MS = 1_000

const REFUSED: Problem = { code: 'image', message: 'there is no such image', final: true }

/** One replica. Its processes come and go; it stays until the platform has one too many. */
interface Replica {
  readonly id: string
  readonly order: number
  readonly sinceMs: number
  /** Its process, or the last one. */
  instance: Instance | null
  isStopping: boolean
  problem: Problem | null
}

export interface ReplicasEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  /** Starts a process in a replica of that name. */
  readonly start: (
    route: string,
    replica: string,
    crashes: boolean,
    onStarted: (instance: Instance) => void,
  ) => void
  readonly is: (mode: PlatformMode) => boolean
  readonly delayMs: () => number
}

/**
 * The replicas of one app on a platform that knows nothing of them but their number, and starts again what exits. It takes
 * those away that it is asked to, or, if it is of the other kind (`isOrdered`), always the highest. A call is one
 * conditional write of that number (SCALERS.md).
 */
export class Replicas {
  readonly #route: string
  readonly #isOrdered: boolean
  readonly #env: ReplicasEnvironment
  readonly #replicas = new Set<Replica>()
  readonly #toRemove = new Set<string>()
  readonly #removing = new Set<string>()
  #wanted = 0
  #names = 0

  constructor(route: string, isOrdered: boolean, env: ReplicasEnvironment) {
    this.#route = route
    this.#isOrdered = isOrdered
    this.#env = env
  }

  /** Those that are there, also on their way out. */
  get size(): number {
    return this.#replicas.size
  }

  /** Of them, those in which nothing runs and that are to go, but cannot before one above them that is not. */
  get stuckCount(): number {
    if (!this.#isOrdered) return 0
    const staying = [...this.#replicas].filter(({ isStopping }) => !isStopping)
    const below = byOrder(staying).slice(fromTheTop(staying, this.#toRemove))
    return below.filter(({ id, instance }) => this.#toRemove.has(id) && instance?.process.isAlive !== true)
      .length
  }

  /** @returns what is there, of `remove` as far as it was left alone with `kept` */
  scale({ want, remove }: Target): readonly Listed[] {
    const ids = new Set(remove.map(({ id }) => id))
    const staying = [...this.#replicas].filter(({ isStopping }) => !isStopping)
    const removable = this.#isOrdered
      ? fromTheTop(staying, ids)
      : staying.filter(({ id }) => ids.has(id)).length
    const stuck = staying.filter(({ id }) => ids.has(id)).length - removable
    const present = staying.length
    const next = countedTarget({ want, replicas: this.#wanted, present, removable, stuck })
    this.#toRemove.clear()
    for (const id of ids) this.#toRemove.add(id)
    this.#wanted = next.replicas
    this.#env.world.note(
      'platform',
      () =>
        `${this.#route}: want ${want}, remove ${[...ids].join(' ') || 'none'}: ${this.#wanted} of ${staying.length}`,
    )
    this.#env.world.after(this.#env.world.randomOf('platform').next() * RECONCILE_MS, null, 'reconcile', () =>
      this.#reconcile(),
    )
    for (let i = 0; i < next.recycle; i++)
      this.#stop(this.#victim(staying.filter(({ isStopping }) => !isStopping)))
    const leavers = staying.map(({ id }) => id).filter((id) => ids.has(id))
    return keptInstances(this.list(), new Set(next.keepsAll ? leavers : []))
  }

  /** Whether it was chosen to end because it was to be removed, and not another one in its place. */
  isRemoving(id: string): boolean {
    return this.#removing.has(id)
  }

  list(): readonly Listed[] {
    return [...this.#replicas].map(({ id, order, instance, sinceMs, problem }) => ({
      id,
      state: instance === null ? 'starting' : 'running',
      since: sinceMs,
      ...(this.#isOrdered ? { order } : {}),
      ...(problem === null ? {} : { problem }),
    }))
  }

  #reconcile(): void {
    for (;;) {
      const staying = [...this.#replicas].filter(({ isStopping }) => !isStopping)
      if (staying.length < this.#wanted) this.#add()
      else if (staying.length > this.#wanted) this.#stop(this.#victim(staying))
      else return
    }
  }

  #victim(staying: readonly Replica[]): Replica {
    const highest = staying.reduce((best, each) => (each.order > best.order ? each : best))
    return (this.#isOrdered ? undefined : staying.find(({ id }) => this.#toRemove.has(id))) ?? highest
  }

  #add(): void {
    const { world, chronicle, is } = this.#env
    // An ordinal is used again when its replica is gone; a name never.
    const orders = new Set([...this.#replicas].map(({ order }) => order))
    let order = 0
    while (orders.has(order)) order++
    const replica: Replica = {
      id: `${this.#route}-r${order}-${++this.#names}`,
      order,
      sinceMs: world.nowMs,
      instance: null,
      isStopping: false,
      problem: null,
    }
    this.#replicas.add(replica)
    chronicle.count('replica: added')
    if (is('refused starts')) {
      chronicle.caused('platform: start refused', world.nowMs)
      replica.problem = REFUSED
    } else if (is('never connects')) chronicle.caused('platform: never connects', world.nowMs)
    else this.#run(replica, is('slow starts') ? this.#env.delayMs() : 0)
  }

  #run(replica: Replica, delayMs: number): void {
    const { world, chronicle, is, start } = this.#env
    if (delayMs > RESTART_MS) chronicle.caused('platform: slow start', world.nowMs)
    world.after(delayMs, null, 'start', () => {
      if (replica.isStopping) return this.#gone(replica)
      const crashes = is('crashing starts')
      if (crashes) chronicle.caused('platform: crashing start', world.nowMs)
      start(this.#route, replica.id, crashes, (instance) => {
        replica.instance = instance
        instance.process.onGone.push(() => {
          if (replica.isStopping) return this.#gone(replica)
          chronicle.count('replica: started again')
          this.#run(replica, RESTART_MS)
        })
        if (replica.isStopping) this.#terminate(replica, instance)
      })
    })
  }

  #stop(replica: Replica): void {
    const { world } = this.#env
    replica.isStopping = true
    if (this.#toRemove.has(replica.id)) this.#removing.add(replica.id)
    world.after(world.randomOf('platform').next() * SIGNAL_MS, null, 'to be signalled', () => {
      const { instance } = replica
      if (instance === null || !instance.process.isAlive) this.#gone(replica)
      else this.#terminate(replica, instance)
    })
  }

  #terminate({ id }: Replica, instance: Instance): void {
    const { world, chronicle } = this.#env
    chronicle.caused(`removed ${instance.name}`, world.nowMs)
    chronicle.count(this.#removing.has(id) ? 'replica: removed' : 'replica: another one removed')
    instance.terminate()
    world.after(KILL_MS, null, 'SIGKILL', () => world.kill(instance.process))
  }

  #gone(replica: Replica): void {
    this.#replicas.delete(replica)
    this.#removing.delete(replica.id)
  }
}

/** How many of the highest are to go, one below the other: all others are in the way of those below. */
function fromTheTop(staying: readonly Replica[], ids: ReadonlySet<string>): number {
  const sorted = byOrder(staying)
  const first = sorted.findIndex(({ id }) => !ids.has(id))
  return first < 0 ? sorted.length : first
}

/** The highest first. */
function byOrder(staying: readonly Replica[]): Replica[] {
  return [...staying].sort((one, other) => other.order - one.order)
}
