import type { Hello, SessionEnd } from '@brxy/protocol'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { Instance as PlatformInstance, Problem, Target } from '@brxy/scaler'
import { Broker } from './broker.ts'
import type { EdgeEvent } from './event.ts'
import type { Exchange } from './forward/exchange.ts'
import { HoldQueue, type HoldTotal } from './hold/queue.ts'
import type { EdgeOptions } from './options.ts'
import { type Demand, type ScaleAction, ScaleController } from './scale/controller.ts'
import type { ScaledApp, ScalerRunner } from './scale/runner.ts'
import type { Instance } from './tunnel/instance.ts'

export interface AppEnvironment {
  readonly options: EdgeOptions
  readonly total: HoldTotal
  readonly wheel: TimerWheel
  readonly emit: (event: EdgeEvent) => void
  readonly newLaunchId: () => string
  /** Starts instances of the app; null when nobody can. */
  readonly runner: ScalerRunner | null
}

/** Sessions that end count as starting for so long (DESIGN section 7). */
const LOST_MS = 2_000
/** Longer than a linker with a running application waits between two dials (brxy.v1 rule 9: 5 s), and the dial. */
const ADOPT_MS = 7_000
/** An instance that left by itself is removed from the platform if it is still there after this time. */
const LEFT_MS = 15_000

/**
 * One app at this edge: its broker, its scaling controller and its instances. It carries events between them and
 * decides nothing itself.
 */
export class App implements ScaledApp {
  readonly route: string
  readonly broker: Broker<Exchange, Instance>
  readonly controller: ScaleController
  readonly instances = new Map<string, Instance>()
  readonly #env: AppEnvironment
  readonly #timer: WheelTimer
  #demandTold = 0
  #isStepping = false
  #stepAgain = false
  #isClosed = false

  /** @throws what the scaler throws for a route that it cannot serve */
  constructor(route: string, env: AppEnvironment) {
    this.route = route
    this.#env = env
    const { options, total, wheel } = env
    const queue = new HoldQueue<Exchange>(
      { maxHeld: options.maxHeld, maxHeldBytes: options.maxHeldBytes },
      total,
    )
    this.broker = new Broker<Exchange, Instance>(queue, (exchange, instance) => {
      exchange.dispatchTo(instance, wheel.now())
      if (this.#demandTold > 0 && queue.count === 0) this.#tellDemand(wheel.now())
    })
    this.controller = new ScaleController(
      {
        min: options.min,
        max: options.max,
        patienceMs: options.patienceMs,
        startTimeoutMs: options.startTimeoutMs,
        lostMs: LOST_MS,
        adoptMs: ADOPT_MS,
        leftMs: LEFT_MS,
        backoffMinMs: options.backoffMinMs,
        backoffMaxMs: options.backoffMaxMs,
        canLaunch: env.runner !== null,
      },
      env.newLaunchId,
    )
    this.#timer = new WheelTimer((nowMs) => this.#onTimer(nowMs))
    env.runner?.attach(this)
  }

  get leave(): 'exit' | 'park' {
    return this.#env.runner?.leave ?? 'exit'
  }

  /** Nothing is held, running, starting or known of the platform: the app can be forgotten. */
  get isIdle(): boolean {
    return this.broker.queue.count === 0 && this.instances.size === 0 && this.controller.isEmpty
  }

  submit(exchange: Exchange): void {
    const result = this.broker.submit(exchange)
    if (result === 'dispatched') return
    if (result === 'full') exchange.refuse('edge/hold-full', 1000)
    else this.step(this.#env.wheel.now())
  }

  /** A request that an instance did not serve takes its old place. */
  resubmit(exchange: Exchange): void {
    this.broker.resubmit(exchange)
    if (exchange.isHeld) this.step(this.#env.wheel.now())
  }

  /** The request waits no longer: its client is gone. */
  withdraw(exchange: Exchange): void {
    if (!exchange.isHeld) return
    this.broker.withdraw(exchange)
    this.#tellDemand(this.#env.wheel.now())
  }

  /** The session under these requests is gone: from now on none is given to it, even before the session says so. */
  lost(instance: Instance): void {
    this.broker.remove(instance)
  }

  /** No more requests come: every held one is answered. */
  refuseHeld(): void {
    for (let held = this.broker.queue.first; held !== null; held = this.broker.queue.first)
      held.refuse('edge/draining')
  }

  close(): void {
    this.#isClosed = true
    this.#env.wheel.clear(this.#timer)
    this.#env.runner?.detach(this)
  }

  // --- from sessions ---

  /** Whether a linker of the same launch, but another process, has a live session. */
  isTaken(hello: Hello): boolean {
    const other = hello.launch === undefined ? undefined : this.#instanceOf(hello.launch)
    return other !== undefined && other.hello?.instance !== hello.instance
  }

  connected(instance: Instance, hello: Hello, nowMs: number): void {
    instance.key = hello.launch ?? hello.instance
    const member = this.controller.joined(
      instance.key,
      hello.launch !== undefined,
      hello.phase,
      hello.slots,
      nowMs,
    )
    instance.label = `${this.route}/${member.copy}`
    this.instances.set(hello.instance, instance)
    this.broker.setEligible(instance, true)
    this.#env.emit({ type: 'connected', app: this.route, instance: instance.label, phase: hello.phase })
    if (hello.phase === 'ready') this.#emitReady(instance, nowMs)
    instance.session.setDemand(this.broker.queue.count, nowMs)
    this.step(nowMs)
  }

  readied(instance: Instance, nowMs: number): void {
    const wasStarting = this.controller.member(instance.key)?.phase === 'starting'
    this.controller.readied(instance.key, instance.slots, nowMs)
    if (wasStarting) this.#emitReady(instance, nowMs)
    this.eligibilityChanged(instance, nowMs)
  }

  failed(instance: Instance, problem: Problem, nowMs: number): void {
    this.broker.setEligible(instance, false)
    this.controller.failed(instance.key, problem, nowMs)
    this.step(nowMs)
  }

  served(instance: Instance): void {
    this.controller.served(instance.key)
  }

  leaveAsked(instance: Instance, nowMs: number): void {
    this.broker.setEligible(instance, false)
    this.controller.leaveAsked(instance.key, instance.dispatched, nowMs)
    this.step(nowMs)
  }

  draining(instance: Instance, nowMs: number): void {
    this.broker.setEligible(instance, false)
    this.controller.draining(instance.key, nowMs)
    this.step(nowMs)
  }

  eligibilityChanged(instance: Instance, nowMs: number): void {
    const { phase } = instance
    this.broker.setEligible(instance, !instance.isSuspect && (phase === 'ready' || phase === 'starting'))
    this.step(nowMs)
  }

  ended(instance: Instance, end: SessionEnd, nowMs: number): void {
    this.broker.remove(instance)
    if (instance.hello !== null && this.instances.get(instance.hello.instance) === instance) {
      this.instances.delete(instance.hello.instance)
    }
    const { phase } = instance
    const left = end.clean && (phase === 'leaving' || phase === 'draining')
    this.controller.ended(instance.key, left, nowMs)
    const reason = phase === 'failed' ? 'failed' : !left ? 'lost' : phase === 'leaving' ? 'idle' : 'signal'
    this.#env.emit({ type: 'left', app: this.route, instance: instance.label, reason, message: end.message })
    this.step(nowMs)
  }

  // --- from the scaler (ScaledApp) ---

  get isChanging(): boolean {
    for (const { phase } of this.controller.members) if (phase === 'asked' || phase === 'gone') return true
    return false
  }

  target(): Target {
    return this.controller.target()
  }

  observed(instances: readonly PlatformInstance[], adopt: boolean): void {
    const nowMs = this.#env.wheel.now()
    this.controller.observed(instances, nowMs, adopt)
    this.step(nowMs)
  }

  unobserved(): void {
    this.step(this.#env.wheel.now())
  }

  scaled(instances: readonly PlatformInstance[]): void {
    const nowMs = this.#env.wheel.now()
    this.controller.observed(instances, nowMs)
    this.controller.callEnded(null, nowMs)
    this.step(nowMs)
  }

  scaleFailed(problem: Problem): void {
    const nowMs = this.#env.wheel.now()
    this.controller.callEnded(problem, nowMs)
    this.step(nowMs)
  }

  // ---

  /** Lets the controller decide, and carries out what it says. */
  step(nowMs: number): void {
    if (this.#isClosed) return
    this.#stepAgain = true
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      while (this.#stepAgain) {
        this.#stepAgain = false
        if (this.#env.runner?.isReady(this) === false) continue
        for (const action of this.controller.step(this.#demand(), nowMs)) this.#perform(action, nowMs)
      }
    } finally {
      this.#isStepping = false
    }
    this.#tellDemand(nowMs)
    this.#arm()
  }

  #arm(): void {
    const deadlineMs = Math.min(this.controller.nextDeadline(), this.broker.queue.nextDeadline())
    this.#env.wheel.set(this.#timer, deadlineMs)
  }

  /**
   * A slot counts although its grant is not here yet: an instance that has just become ready, or has just answered, must
   * not look like one that has nothing to give.
   */
  #freeSlots(): number {
    let free = 0
    for (const { isEligible, phase, slots, busy } of this.instances.values()) {
      if (isEligible && phase === 'ready') free += Math.max(0, slots - busy)
    }
    return free
  }

  #demand(): Demand {
    const { queue } = this.broker
    return {
      held: queue.count,
      oldestSinceMs: queue.first?.heldSinceMs ?? 0,
      freeSlots: this.#freeSlots(),
    }
  }

  #perform(action: ScaleAction, nowMs: number): void {
    switch (action.kind) {
      case 'scale':
        this.#env.runner?.scale(this)
        return
      case 'launching': {
        const { copy, launch } = action
        this.#env.emit({ type: 'launching', app: this.route, copy, launch, held: this.broker.queue.count })
        return
      }
      case 'launch-failed': {
        const { launch, problem, retryMs } = action
        const instance = this.#instanceOf(launch)
        const copy = this.controller.member(launch)?.copy
        const output = instance?.output || this.#env.runner?.output(this, launch) || ''
        this.#env.emit({
          type: 'launch-failed',
          app: this.route,
          instance: copy === undefined ? this.route : `${this.route}/${copy}`,
          launch,
          problem,
          retryMs,
          ...(output === '' ? {} : { output }),
        })
        return
      }
      case 'fail-held':
        for (let held = this.broker.queue.first; held !== null; held = this.broker.queue.first) {
          held.onCannotStart(action.problem, action.retryMs)
        }
        return
      case 'verdict': {
        const instance = this.#instanceOf(action.member)
        if (instance === undefined) return
        instance.session.verdict(action.go)
        if (action.go) return
        instance.phase = 'ready'
        this.eligibilityChanged(instance, nowMs)
        return
      }
    }
  }

  /** @param key the controller's. One instance has it at most, for a second one is refused. */
  #instanceOf(key: string): Instance | undefined {
    for (const instance of this.instances.values()) if (instance.key === key) return instance
    return undefined
  }

  #onTimer(nowMs: number): void {
    const { queue } = this.broker
    try {
      while (queue.first !== null && queue.first.holdUntilMs <= nowMs) queue.first.onHoldTimeout()
      this.step(nowMs)
    } catch (error) {
      // A bug must not take the other apps along, nor silence this one.
      this.#env.emit({ type: 'bug', error })
      this.#arm()
    }
  }

  #tellDemand(nowMs: number): void {
    const { count } = this.broker.queue
    if (count === this.#demandTold) return
    this.#demandTold = count
    for (const instance of this.instances.values()) instance.session.setDemand(count, nowMs)
  }

  #emitReady(instance: Instance, nowMs: number): void {
    const { label, slots } = instance
    const sinceMs = this.controller.member(instance.key)?.createdMs ?? instance.connectedMs
    this.#env.emit({ type: 'ready', app: this.route, instance: label, slots, tookMs: nowMs - sinceMs })
  }
}
