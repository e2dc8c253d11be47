import type {
  AppScaler,
  Launch,
  Instance as Listed,
  Problem,
  Scaler,
  ScalerFactory,
  Target,
} from '@brxy/scaler'
import type { Chronicle } from '../chronicle.ts'
import type { World } from '../machine/world.ts'
import type { PlatformKind, PlatformMode } from '../scenario/scenario.ts'
import type { Instance } from './instance.ts'
import { Replicas } from './replicas.ts'

/** A call takes at least, and at most, so long when all is well. */
const CALL_MS = [1, 30] as const
/** After SIGTERM, SIGKILL. */
const KILL_MS = 15_000
/** Records of what ended are kept for so long. */
const RECORD_MS = 20_000

const REFUSED: Problem = { code: 'quota', message: 'there is no room', final: true }

/** What the platform knows of one launch. */
interface Deployed {
  readonly id: string
  readonly route: string
  readonly launch: string
  state: Listed['state']
  sinceMs: number
  problem: Problem | null
  /** More than one if the platform has made a mistake. */
  readonly instances: Instance[]
  isRemoved: boolean
}

export interface PlatformEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  /** Starts the processes of an instance. */
  readonly start: (route: string, launch: Launch, crashes: boolean) => Instance
  /** The same for a replica, which gets its token from its template. */
  readonly startReplica: (
    route: string,
    replica: string,
    crashes: boolean,
    onStarted: (instance: Instance) => void,
  ) => void
  /** How the platform runs an app: each launch by its name, or so many replicas, perhaps in order. */
  readonly kindOf: (route: string) => PlatformKind
  /** Told of each target when an edge hands it over. */
  readonly onTarget: (route: string, target: Target) => void
  /** Told when the edge hears that nothing is known of what became of it. */
  readonly onTargetFailed: (route: string, target: Target) => void
}

/**
 * A platform as edges see it through the contract of @brxy/scaler: launches are named, calls may be repeated, and it is
 * slow, wrong or dumb as the scenario says. It outlives the edges.
 */
export class Platform {
  readonly #env: PlatformEnvironment
  readonly #deployed = new Map<string, Deployed>()
  /** By route, where launches are not told apart. */
  readonly #replicas = new Map<string, Replicas>()
  /** Ids that were ever asked for: one id is started at most once, ever. */
  readonly #launches = new Set<string>()
  readonly #modes = new Map<PlatformMode, number>()
  #delayMs = 0
  #slowUntilMs = Number.NEGATIVE_INFINITY

  constructor(env: PlatformEnvironment) {
    this.#env = env
  }

  /** What an edge gets as its adapter. */
  readonly factory: ScalerFactory = (_options, host): Scaler => {
    const { world } = this.#env
    const edge = world.current
    return {
      app: (route) => this.#appOf(route, () => void world.after(0, edge, 'hint', () => host.changed(route))),
      close: async () => {},
    }
  }

  /** From now on, until it is taken back as often. */
  begin(mode: PlatformMode, delayMs: number): void {
    this.#modes.set(mode, (this.#modes.get(mode) ?? 0) + 1)
    this.#delayMs = delayMs
  }

  end(mode: PlatformMode): void {
    this.#modes.set(mode, Math.max(0, (this.#modes.get(mode) ?? 0) - 1))
    if (mode === 'slow calls') this.#slowUntilMs = this.#env.world.nowMs
  }

  /** Whether it has been slow to answer in this time. */
  wasSlowWithin(ms: number): boolean {
    return this.#is('slow calls') || this.#env.world.nowMs - this.#slowUntilMs < ms
  }

  /** Whether a replica is on its way out because an edge asked for that. */
  isRemoving(route: string, replica: string): boolean {
    return this.#replicas.get(route)?.isRemoving(replica) ?? false
  }

  /** What runs, or is about to. */
  get size(): number {
    let size = 0
    for (const { state } of this.#deployed.values()) if (state !== 'ended') size++
    for (const replicas of this.#replicas.values()) size += replicas.size
    return size
  }

  /** The same of one app. */
  sizeOf(route: string): number {
    return this.#list(route).filter(({ state }) => state !== 'ended').length
  }

  /** Of that, what is to be removed and has to wait for others that stay, without anything that runs in it. */
  get stuckCount(): number {
    let count = 0
    for (const replicas of this.#replicas.values()) count += replicas.stuckCount
    return count
  }

  #is(mode: PlatformMode): boolean {
    return (this.#modes.get(mode) ?? 0) > 0
  }

  #appOf(route: string, changed: () => void): AppScaler {
    const { onTarget, onTargetFailed, kindOf } = this.#env
    const isNamed = kindOf(route) === 'named'
    return {
      launches: isNamed ? 'named' : 'counted',
      leave: isNamed ? 'exit' : 'park',
      scale: (target, signal) => {
        onTarget(route, target)
        return this.#call(
          signal,
          () => this.#scale(route, target, changed),
          () => onTargetFailed(route, target),
        )
      },
      observe: (signal) => this.#call(signal, () => this.#list(route)),
    }
  }

  /** null: launches of the app have names. */
  #replicasOf(route: string): Replicas | null {
    const { world, chronicle, startReplica, kindOf } = this.#env
    const kind = kindOf(route)
    if (kind === 'named') return null
    let replicas = this.#replicas.get(route)
    if (replicas === undefined) {
      replicas = new Replicas(route, kind === 'ordered', {
        world,
        chronicle,
        start: startReplica,
        is: (mode) => this.#is(mode),
        delayMs: () => this.#delayMs,
      })
      this.#replicas.set(route, replicas)
    }
    return replicas
  }

  /** Over the network and back: what is done is done in the middle. */
  #call<T>(signal: AbortSignal, carryOut: () => T, onFailed: () => void = () => {}): Promise<T> {
    const { world, chronicle } = this.#env
    const caller = world.current
    const isLost = this.#is('lost answers')
    const hasFailed = this.#is('failing calls')
    const totalMs =
      CALL_MS[0] +
      world.randomOf('platform').next() * (CALL_MS[1] - CALL_MS[0]) +
      (this.#is('slow calls') ? this.#delayMs : 0)
    return new Promise((resolve, reject) => {
      world.after(totalMs / 2, null, 'platform', () => {
        if (hasFailed) chronicle.caused('platform: call failed', world.nowMs)
        const answer = hasFailed ? null : carryOut()
        world.after(totalMs / 2, caller, 'platform answers', () => {
          if (isLost) chronicle.caused('platform: answer lost', world.nowMs)
          if (signal.aborted) chronicle.caused('platform: call aborted', world.nowMs)
          if (answer === null || isLost || signal.aborted) onFailed()
          if (answer === null || isLost) reject(new Error('the platform does not answer'))
          else resolve(answer)
        })
      })
    })
  }

  #scale(route: string, target: Target, changed: () => void): readonly Listed[] {
    const replicas = this.#replicasOf(route)
    if (replicas !== null) return replicas.scale(target)
    for (const launch of target.start) this.#launch(route, launch, changed)
    for (const { id } of target.remove) this.#remove(id)
    return this.#list(route)
  }

  #launch(route: string, launch: Launch, changed: () => void): void {
    if (this.#launches.has(launch.id)) return
    this.#launches.add(launch.id)
    const { world, chronicle } = this.#env
    const deployed: Deployed = {
      id: `i-${launch.id.slice(0, 6)}`,
      route,
      launch: launch.id,
      state: 'starting',
      sinceMs: world.nowMs,
      problem: null,
      instances: [],
      isRemoved: false,
    }
    this.#deployed.set(deployed.id, deployed)
    if (this.#is('refused starts')) {
      chronicle.caused('platform: start refused', world.nowMs)
      deployed.problem = REFUSED
      this.#ended(deployed)
      return changed()
    }
    if (this.#is('never connects')) {
      chronicle.caused('platform: never connects', world.nowMs)
      return
    }
    const crashes = this.#is('crashing starts')
    if (crashes) chronicle.caused('platform: crashing start', world.nowMs)
    const isDouble = this.#is('duplicates')
    const delayMs = this.#is('slow starts') ? this.#delayMs : 0
    if (delayMs > 0) chronicle.caused('platform: slow start', world.nowMs)
    world.after(delayMs, null, 'start', () => {
      if (deployed.isRemoved) return
      this.#run(deployed, launch, crashes, changed)
      if (!isDouble) return
      chronicle.caused('platform: duplicate', world.nowMs)
      this.#run(deployed, launch, crashes, changed)
    })
  }

  #run(deployed: Deployed, launch: Launch, crashes: boolean, changed: () => void): void {
    const { world } = this.#env
    const instance = this.#env.start(deployed.route, launch, crashes)
    deployed.instances.push(instance)
    deployed.state = 'running'
    deployed.sinceMs = world.nowMs
    instance.process.onGone.push(() => {
      if (deployed.instances.some(({ process }) => process.isAlive)) return
      if (instance.exitCode !== 0)
        deployed.problem = { code: 'crashed', message: `exit ${instance.exitCode}`, final: true }
      this.#ended(deployed)
      // A hint, which may be lost.
      if (world.randomOf('platform').chance(0.5)) changed()
    })
  }

  #remove(id: string): void {
    const deployed = this.#deployed.get(id)
    if (deployed === undefined) return
    if (deployed.state === 'ended' || deployed.instances.length === 0) {
      deployed.isRemoved = true
      this.#deployed.delete(id)
      return
    }
    if (deployed.isRemoved) return
    deployed.isRemoved = true
    const { world, chronicle } = this.#env
    for (const instance of deployed.instances) {
      chronicle.caused(`removed ${instance.name}`, world.nowMs)
      instance.terminate()
      world.after(KILL_MS, null, 'SIGKILL', () => world.kill(instance.process))
    }
  }

  #ended(deployed: Deployed): void {
    deployed.state = 'ended'
    deployed.sinceMs = this.#env.world.nowMs
    if (deployed.isRemoved) this.#deployed.delete(deployed.id)
    else this.#env.world.after(RECORD_MS, null, 'record', () => this.#deployed.delete(deployed.id))
  }

  #list(route: string): readonly Listed[] {
    const replicas = this.#replicasOf(route)
    if (replicas !== null) return replicas.list()
    return [...this.#deployed.values()]
      .filter((deployed) => deployed.route === route)
      .map(({ id, launch, state, sinceMs, problem }) => ({
        id,
        launch,
        state,
        since: sinceMs,
        ...(problem === null ? {} : { problem }),
      }))
  }
}
