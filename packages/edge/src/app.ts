import { isDeepStrictEqual } from 'node:util'
import type { Hello, SessionEnd, StreamHandler } from '@brxy/protocol'
import { WheelTimer } from '@brxy/protocol/transport'
import type { Instance as PlatformInstance, Problem, Target } from '@brxy/scaler'
import type { AppEnvironment } from './app-environment.ts'
import { Broker } from './broker.ts'
import { ManyEdges } from './demand/many-edges.ts'
import type { Exchange } from './forward/exchange.ts'
import { Fallback, type FallbackOpen } from './forward/fallback.ts'
import type { Outlet } from './forward/outlet.ts'
import { AppLimits } from './hold/app-limits.ts'
import { HeldRequests } from './hold/held-requests.ts'
import { HoldQueue } from './hold/queue.ts'
import { isPlatforms } from './is-platforms.ts'
import { AppDemand } from './scale/app-demand.ts'
import { carryOut } from './scale/carry-out.ts'
import { ScaleController } from './scale/controller.ts'
import type { ScaledApp, ScalerRunner } from './scale/runner.ts'
import { type ScaleOptions, scaleOptions } from './scale/scale-options.ts'
import { servingOrder } from './scale/serving-order.ts'
import { WarmMin } from './scale/warm-min.ts'
import type { AppSettings } from './settings.ts'
import type { Instance } from './tunnel/instance.ts'
import { hasLeft, whyLeft } from './why-left.ts'

/**
 * One app at this edge: its broker, its scaling controller and its instances. It carries events between them and
 * decides nothing itself.
 */
export class App implements ScaledApp {
  readonly route: string
  readonly broker: Broker<Exchange, Instance>
  readonly held: HeldRequests
  readonly controller: ScaleController
  readonly instances = new Map<string, Instance>()
  /** What other edges hold of it, and see. */
  readonly others: ManyEdges
  readonly #env: AppEnvironment
  readonly #timer: WheelTimer
  readonly #demand: AppDemand
  #settings: AppSettings
  #runner: ScalerRunner | null
  #warm: WarmMin
  #fallback: Fallback | null
  #isStepping = false
  #stepAgain = false
  #isClosed = false
  #heir: ((exchange: Exchange) => void) | null = null

  /** @throws what the scaler throws for a route that it cannot serve */
  constructor(route: string, settings: AppSettings, env: AppEnvironment) {
    this.route = route
    this.#settings = settings
    this.#env = env
    const { total, wheel } = env
    const queue = new HoldQueue<Exchange>(new AppLimits(this), total)
    this.broker = new Broker<Exchange, Instance>(queue, (exchange, instance) => {
      exchange.dispatchTo(instance, wheel.now())
      if (this.#demand.isOver) this.#demand.tell(wheel.now())
    })
    this.held = new HeldRequests(this.broker)
    this.others = new ManyEdges(this, env.isReporting)
    this.#demand = new AppDemand(this.broker, this.instances, this.others)
    this.#warm = new WarmMin(settings.keepWarm, env.epochMs)
    this.#fallback = this.#makeFallback()
    this.#runner = env.scalers.of(settings.options.scaler)
    this.#runner?.attach(this, settings.options.scaler?.options)
    this.controller = new ScaleController(this.#scaleOptions, env.newLaunchId)
    this.#timer = new WheelTimer((nowMs) => this.#onTimer(nowMs))
  }

  get settings(): AppSettings {
    return this.#settings
  }

  /** What starts its instances; null if nothing does. */
  get runner(): ScalerRunner | null {
    return this.#runner
  }

  /** The configuration has changed, but not the name of the scaler. What runs and what is held goes on. */
  configure(settings: AppSettings, nowMs: number): void {
    const { scaler } = settings.options
    const hasChanged = !isDeepStrictEqual(scaler, this.#settings.options.scaler)
    const keepsFallback = isDeepStrictEqual(settings.fallback, this.#settings.fallback)
    this.#settings = settings
    this.held.setHold(settings.options.holdMs)
    if (!keepsFallback) this.#fallback = this.#makeFallback()
    const runner = this.#env.scalers.of(scaler)
    if (runner !== this.#runner) {
      this.#runner?.detach(this)
      // The answer of a call that is under way will not be heard; the first look of the new one tells what became of it.
      this.controller.callEnded(null, nowMs)
      this.#runner = runner
      runner?.attach(this, scaler?.options)
    } else if (hasChanged) {
      runner?.reattach(this, scaler?.options)
    }
    this.#warm = new WarmMin(settings.keepWarm, this.#env.epochMs)
    this.controller.configure(this.#scaleOptions, nowMs)
    this.step(nowMs)
  }

  get #scaleOptions(): ScaleOptions {
    const { reconnectSpreadMs } = this.#env
    return scaleOptions(this.#settings.options, this.#runner?.launches(this) ?? null, reconnectSpreadMs())
  }

  /** What a linker does when it has left. One that the platform does not know nobody would remove, or start again. */
  leaveOf(hello: Hello): 'exit' | 'park' {
    return isPlatforms(hello, this) ? (this.#runner?.leave(this) ?? this.others.leave) : 'exit'
  }

  /** Nothing is held, here or elsewhere, running, starting or known of the platform: the app can be forgotten. */
  get isIdle(): boolean {
    const { held, instances, controller } = this
    const wasSeen = this.#runner?.isReady(this) !== false
    const isEmpty = held.isEmpty && instances.size === 0 && controller.isEmpty
    return wasSeen && isEmpty && this.others.reported.isEmpty
  }

  submit(exchange: Exchange): void {
    if (exchange.isPassive && !this.#demand.isAwake) return exchange.answerAsleep()
    const result = this.broker.submit(exchange)
    if (result === 'dispatched') return
    if (result === 'full') exchange.refuse('edge/hold-full', 1000)
    else this.step(this.#env.wheel.now())
  }

  /** A request that an instance did not serve takes its old place. */
  resubmit(exchange: Exchange): void {
    if (this.#heir !== null) return this.#heir(exchange)
    this.broker.resubmit(exchange)
    if (exchange.isHeld) this.step(this.#env.wheel.now())
  }

  /** A request that nobody else could serve in time. @returns null if there is no fallback, or it has enough */
  openFallback(handler: StreamHandler, open: FallbackOpen): Outlet | null {
    return this.#fallback?.open(handler, open) ?? null
  }

  /** The request waits no longer: its client is gone. */
  withdraw(exchange: Exchange): void {
    if (!exchange.isHeld) return
    this.broker.withdraw(exchange)
    this.#demand.tell(this.#env.wheel.now())
  }

  /** The session under these requests is gone: from now on none is given to it, even before the session says so. */
  lost(instance: Instance): void {
    this.broker.remove(instance)
  }

  /** No more requests come: every held one is answered. */
  refuseHeld(): void {
    this.held.refuse('edge/draining')
  }

  /**
   * The app is no more, while its sessions still run. @param heir takes what comes back from them
   * @returns what it held, for the heir to take
   */
  bequeath(heir: (exchange: Exchange) => void): Exchange[] {
    const held = this.held.release()
    this.close()
    this.#heir = heir
    return held
  }

  /** Decides nothing any more. Its sessions go on until somebody ends them. */
  close(): void {
    this.#isClosed = true
    this.#env.wheel.clear(this.#timer)
  }

  // --- from sessions ---

  /** @param key the controller's. One instance has it at most, for a second one is refused. */
  instanceOf(key: string): Instance | undefined {
    for (const instance of this.instances.values()) if (instance.key === key) return instance
    return undefined
  }

  /** Whether a linker of the same launch or replica, but another process, has a live session. */
  isTaken(hello: Hello): boolean {
    const other = this.instanceOf(this.controller.keyOf(hello))
    return other !== undefined && other.hello?.instance !== hello.instance
  }

  connected(instance: Instance, hello: Hello, nowMs: number): void {
    const { phase, slots, launch } = hello
    const { controller } = this
    instance.key = controller.keyOf(hello)
    const member = controller.joined(instance.key, launch !== undefined, phase, slots, nowMs, hello)
    instance.label = `${this.route}/${member.copy}`
    instance.order = servingOrder(member, instance.sessionNumber)
    this.instances.set(hello.instance, instance)
    this.broker.setEligible(instance, phase !== 'parked')
    this.#env.emit({ type: 'connected', app: this.route, instance: instance.label, phase })
    if (phase === 'ready') this.#emitReady(instance, nowMs)
    instance.session.setDemand(this.broker.queue.count, nowMs)
    this.step(nowMs)
  }

  readied(instance: Instance, nowMs: number): void {
    const wasStarting = this.controller.member(instance.key)?.phase === 'starting'
    this.controller.readied(instance.key, instance.slots, nowMs)
    if (wasStarting) this.#emitReady(instance, nowMs)
    this.eligibilityChanged(instance, nowMs)
  }

  /** Its application is stopped. */
  parked(instance: Instance, nowMs: number): void {
    this.controller.parked(instance.key, nowMs)
    this.#env.emit({ type: 'parked', app: this.route, instance: instance.label })
    this.eligibilityChanged(instance, nowMs)
  }

  /** It was parked and starts again. */
  restarted(instance: Instance, nowMs: number): void {
    this.controller.restarted(instance.key, nowMs)
    this.eligibilityChanged(instance, nowMs)
  }

  /** It lends its first slot. */
  firstGranted(instance: Instance, nowMs: number): void {
    this.controller.granted(instance.key)
    this.step(nowMs)
  }

  replaceAsked(instance: Instance, nowMs: number): void {
    this.controller.replaceAsked(instance.key)
    this.step(nowMs)
  }

  failed(instance: Instance, problem: Problem, nowMs: number): void {
    this.broker.setEligible(instance, false)
    this.controller.failed(instance.key, problem, nowMs)
    this.others.failed(instance)
    this.step(nowMs)
  }

  served(instance: Instance): void {
    this.controller.served(instance.key)
  }

  leaveAsked(instance: Instance, nowMs: number): void {
    this.broker.setEligible(instance, false)
    if (this.others.judgesLeave(instance, nowMs)) return
    this.controller.leaveAsked(instance.key, instance.dispatched, nowMs)
    this.step(nowMs)
  }

  /** It asked to leave, and does not, whatever was answered here: another edge wants it to stay. */
  stays(instance: Instance, nowMs: number): void {
    const { key, slots, hello } = instance
    const member = this.controller.member(key)
    // What it lends now it has lent before it heard that its successor serves.
    if (hello === null || member?.isReplaced === true) return
    if (member?.phase === 'asking') instance.session.verdict(false)
    instance.phase = 'ready'
    this.controller.joined(key, hello.launch !== undefined, 'ready', slots, nowMs, hello)
    this.eligibilityChanged(instance, nowMs)
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
    const { phase, key, isReopened } = instance
    const left = !isReopened && hasLeft(phase, end)
    const isReplaced = this.controller.member(key)?.isReplaced === true
    this.controller.ended(key, left, nowMs, this.others.keeps(instance, left, nowMs) || isReopened)
    const reason = phase === 'failed' ? 'failed' : left ? whyLeft(phase, isReplaced) : 'lost'
    this.#env.emit({ type: 'left', app: this.route, instance: instance.label, reason, message: end.message })
    this.step(nowMs)
  }

  // --- from the scaler (ScaledApp) ---

  get isChanging(): boolean {
    return this.controller.isChanging
  }

  target(): Target {
    return this.controller.target()
  }

  observed(instances: readonly PlatformInstance[], adopt: boolean): void {
    this.controller.observed(instances, this.#env.wheel.now(), adopt)
    this.#order()
    this.step(this.#env.wheel.now())
  }

  unobserved(): void {
    this.controller.unobserved(this.#env.wheel.now())
    this.step(this.#env.wheel.now())
  }

  scaled(instances: readonly PlatformInstance[]): void {
    const nowMs = this.#env.wheel.now()
    this.controller.observed(instances, nowMs)
    this.controller.callEnded(null, nowMs)
    this.#order()
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
      this.others.step(nowMs)
      while (this.#stepAgain) {
        this.#stepAgain = false
        if (this.#runner?.isReady(this) === false) continue
        this.controller.setMin(Math.max(this.#settings.options.min, this.#warm.at(nowMs)))
        for (const action of this.controller.step(this.#demand.at(nowMs), nowMs)) {
          carryOut(action, this, this.#env.emit, nowMs)
        }
      }
    } finally {
      this.#isStepping = false
    }
    if (this.broker.passive.first !== null && !this.#demand.isAwake) this.held.answerAsleep()
    this.#demand.tell(nowMs)
    this.#arm()
    this.#env.onChange()
  }

  /** Who is served first may be for the platform to say. */
  #order(): void {
    for (const instance of this.instances.values()) {
      const member = this.controller.member(instance.key)
      if (member !== undefined) this.broker.setOrder(instance, servingOrder(member, instance.sessionNumber))
    }
  }

  #arm(): void {
    const { controller, held } = this
    const deadlineMs = Math.min(
      controller.nextDeadline(),
      held.nextDeadline(),
      this.#warm.untilMs,
      this.others.nextDeadline(),
    )
    this.#env.wheel.set(this.#timer, deadlineMs)
  }

  #makeFallback(): Fallback | null {
    const { fallback } = this.#settings
    return fallback === null
      ? null
      : new Fallback(fallback, (error) => this.#env.emit({ type: 'bug', error }))
  }

  #onTimer(nowMs: number): void {
    try {
      this.held.expire(nowMs)
      this.step(nowMs)
    } catch (error) {
      // A bug must not take the other apps along, nor silence this one.
      this.#env.emit({ type: 'bug', error })
      this.#arm()
    }
  }

  #emitReady(instance: Instance, nowMs: number): void {
    const { label, slots, hello } = instance
    const sinceMs = this.controller.member(instance.key)?.createdMs ?? instance.connectedMs
    // One that comes of its own accord, or back after a loss, was started for nobody who waits.
    if (hello !== null && hello.replaces === undefined && isPlatforms(hello, this))
      instance.start = { askedMs: sinceMs, connectedMs: instance.connectedMs, readyMs: nowMs }
    this.#env.emit({ type: 'ready', app: this.route, instance: label, slots, tookMs: nowMs - sinceMs })
  }
}
