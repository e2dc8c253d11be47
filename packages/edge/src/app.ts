import type { Hello, SessionEnd } from '@brxy/protocol'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { Instance as PlatformInstance, Problem } from '@brxy/scaler'
import { Broker } from './broker.ts'
import type { EdgeEvent } from './event.ts'
import type { Exchange } from './forward/exchange.ts'
import { HoldQueue, type HoldTotal } from './hold/queue.ts'
import type { EdgeOptions } from './options.ts'
import { type Demand, type ScaleAction, ScaleController } from './scale/controller.ts'
import type { ScalerRunner } from './scale/runner.ts'
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
const ADOPT_MS = 5_000
/** An instance that left by itself is removed from the platform if it is still there after this time. */
const LEFT_MS = 15_000

/**
 * One app at this edge: its broker, its scaling controller and its instances. It carries events between them and
 * decides nothing itself.
 */
export class App {
  readonly route: string
  readonly broker: Broker<Exchange, Instance>
  readonly controller: ScaleController
  readonly instances = new Map<string, Instance>()
  readonly #env: AppEnvironment
  readonly #timer: WheelTimer
  #demandTold = 0
  #isStepping = false
  #stepAgain = false

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
    return (
      this.broker.queue.count === 0 && this.instances.size === 0 && [...this.controller.members].length === 0
    )
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

  /** No more requests come: every held one is answered. */
  refuseHeld(): void {
    for (let held = this.broker.queue.first; held !== null; held = this.broker.queue.first)
      held.refuse('edge/draining')
  }

  close(): void {
    this.#env.wheel.clear(this.#timer)
    this.#env.runner?.detach(this)
  }

  // --- from sessions ---

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
    this.controller.leaveAsked(instance.key, nowMs)
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

  // --- from the scaler ---

  observed(instances: readonly PlatformInstance[], adopt: boolean): void {
    const nowMs = this.#env.wheel.now()
    this.controller.observed(instances, nowMs, adopt)
    this.step(nowMs)
  }

  scaleEnded(problem: Problem | null): void {
    const nowMs = this.#env.wheel.now()
    this.controller.callEnded(problem, nowMs)
    this.step(nowMs)
  }

  // ---

  /** Lets the controller decide, and carries out what it says. */
  step(nowMs: number): void {
    if (this.#isStepping) {
      this.#stepAgain = true
      return
    }
    this.#isStepping = true
    do {
      this.#stepAgain = false
      if (this.#env.runner === null || this.#env.runner.isReady(this)) {
        for (const action of this.controller.step(this.#demand(), nowMs)) this.#perform(action, nowMs)
      }
    } while (this.#stepAgain)
    this.#isStepping = false
    this.#tellDemand(nowMs)
    this.#env.wheel.set(
      this.#timer,
      Math.min(this.controller.nextDeadline(), this.broker.queue.nextDeadline()),
    )
  }

  #demand(): Demand {
    const { queue } = this.broker
    return {
      held: queue.count,
      oldestSinceMs: queue.first?.heldSinceMs ?? 0,
      usableGrants: this.broker.usableGrants,
    }
  }

  #perform(action: ScaleAction, nowMs: number): void {
    switch (action.kind) {
      case 'scale':
        this.#env.runner?.scale(this, this.controller.target())
        return
      case 'launching': {
        const { copy, launch } = action
        this.#env.emit({ type: 'launching', app: this.route, copy, launch, held: this.broker.queue.count })
        return
      }
      case 'launch-failed': {
        const { launch, problem, retryMs } = action
        const instance = [...this.instances.values()].find((i) => i.key === launch)
        const output = instance?.output || this.#env.runner?.output(this, launch) || ''
        this.#env.emit({
          type: 'launch-failed',
          app: this.route,
          instance: instance?.label ?? this.route,
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
        for (const instance of this.instances.values()) {
          if (instance.key !== action.member) continue
          instance.session.verdict(action.go)
          if (!action.go) {
            instance.phase = 'ready'
            this.eligibilityChanged(instance, nowMs)
          }
        }
        return
      }
    }
  }

  #onTimer(nowMs: number): void {
    const { queue } = this.broker
    while (queue.first !== null && queue.first.holdUntilMs <= nowMs) queue.first.onHoldTimeout()
    this.step(nowMs)
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
