import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { AppScaler, Instance, Launch, OutputSource, Problem, Scaler, Target } from '@brxy/scaler'

import { FirstLooks } from './first-looks.ts'
import { problemOfRejection } from './rejected-call.ts'

/** Longest call to a scaler. */
const CALL_MS = 30_000
/** `changed` hints within this time are one. */
const CHANGED_MS = 100
/** How often the platform is looked at while something starts or goes, and else. */
const CHANGING_OBSERVE_MS = 1_000
const IDLE_OBSERVE_MS = 30_000
/** The same, while all instances are being removed at the end. */
const REMOVING_OBSERVE_MS = 50

/** An app as its runner sees it. */
export interface ScaledApp {
  readonly route: string
  /** Whether something starts or goes, so that the platform is worth looking at often. */
  readonly isChanging: boolean
  /** What is wanted now. Asked when a call begins, so that no call carries what has been overtaken. */
  target(): Target
  /** The platform was looked at. @param adopt for the first time. */
  observed(instances: readonly Instance[], adopt: boolean): void
  /** The call that scale() asked for is over: what the platform has now, or why nothing is known. */
  scaled(instances: readonly Instance[]): void
  scaleFailed(problem: Problem): void
  /** The first look failed: the app must do without. */
  unobserved(): void
}

/** Makes the environment of a launch; its token takes a moment. */
export type LaunchEnvironment = (route: string, launch: string) => Promise<Readonly<Record<string, string>>>

/** One app's way to its scaler. */
interface Attached {
  readonly app: ScaledApp
  scaler: AppScaler & Partial<OutputSource>
  readonly timer: WheelTimer
  /** The first look at the platform is over; before it nothing is launched. */
  isReady: boolean
  /** The platform has been seen: what it lists from now on is of this edge's time. */
  hasSeen: boolean
  /** The call under way: at most one at a time. */
  call: Promise<void> | null
  /** A scale() waits for the call under way. */
  wantsScale: boolean
  /** A hint came during the call under way, whose answer may be older. */
  wantsLook: boolean
  /** Its instances are being removed: nothing is launched any more. */
  isLeaving: boolean
}

/**
 * Carries the controllers' wishes to a scaler and its answers back. It decides nothing but when to look again.
 * For each app one call follows another: a scale() that is wanted goes before a look.
 */
export class ScalerRunner {
  /** That of the adapter. */
  readonly name: string
  readonly #scaler: Scaler
  readonly #environment: LaunchEnvironment
  readonly #wheel: TimerWheel
  readonly #onError: (message: string, error: unknown) => void
  readonly #attached = new Map<ScaledApp, Attached>()
  readonly #firstLooks = new FirstLooks()
  /** Ends each call that is under way. */
  readonly #underWay = new Set<() => void>()
  #isRemoving = false
  #wasAskedForKnown = false
  #closesWhenUnused = false

  constructor(
    name: string,
    scaler: Scaler,
    environment: LaunchEnvironment,
    wheel: TimerWheel,
    onError: (message: string, error: unknown) => void,
  ) {
    this.name = name
    this.#scaler = scaler
    this.#environment = environment
    this.#wheel = wheel
    this.#onError = onError
  }

  /** Bad options are found at the start and not with the first request. @throws what `scaler.app` throws */
  check(route: string, options: unknown): void {
    this.#scaler.app(route, options)
  }

  /** Begins with a first look at what the platform has. @throws what `scaler.app` throws for the route. */
  attach(app: ScaledApp, options: unknown): void {
    const attached: Attached = {
      app,
      scaler: this.#scaler.app(app.route, options),
      timer: new WheelTimer(() => this.#look(attached)),
      isReady: false,
      hasSeen: false,
      call: null,
      wantsScale: false,
      wantsLook: false,
      isLeaving: false,
    }
    this.#attached.set(app, attached)
    this.#firstLooks.add((done) => {
      if (this.#attached.get(app) === attached) this.#look(attached)
      if (attached.call === null) done()
      else attached.call.finally(done)
    })
  }

  /** Routes of which instances may be left from an earlier run; asked once, for whoever cannot list them. */
  async known(): Promise<readonly string[]> {
    const { known } = this.#scaler
    if (known === undefined || this.#wasAskedForKnown) return []
    this.#wasAskedForKnown = true
    try {
      return await this.#bounded(() => known.call(this.#scaler))
    } catch (error) {
      this.#onError('the scaler could not be asked what it knows', error)
      return []
    }
  }

  /** The app's options have changed; what runs goes on. @throws what `scaler.app` throws */
  reattach(app: ScaledApp, options: unknown): void {
    const attached = this.#attached.get(app)
    if (attached !== undefined) attached.scaler = this.#scaler.app(app.route, options)
  }

  /** Whether a launch of the app can be told from another. */
  launches(app: ScaledApp): AppScaler['launches'] {
    return this.#attached.get(app)?.scaler.launches ?? 'named'
  }

  /** What linkers of the app do after they stopped their application. */
  leave(app: ScaledApp): 'exit' | 'park' {
    return this.#attached.get(app)?.scaler.leave ?? 'exit'
  }

  /** The app hears no more, not even of the call under way. */
  detach(app: ScaledApp): void {
    const attached = this.#attached.get(app)
    if (attached === undefined) return
    this.#wheel.clear(attached.timer)
    this.#attached.delete(app)
    if (this.#closesWhenUnused && this.#attached.size === 0) this.#closeUnused()
  }

  /** Whether launches may be decided: the platform was looked at, or could not be. */
  isReady(app: ScaledApp): boolean {
    return this.#attached.get(app)?.isReady ?? false
  }

  /** A scaler's hint that observe() would answer differently. */
  changed(route: string): void {
    for (const attached of this.#attached.values()) {
      if (attached.app.route !== route) continue
      if (attached.call !== null) attached.wantsLook = true
      else this.#lookWithin(attached, CHANGED_MS)
    }
  }

  /** Brings about the app's target; it hears of the end through scaled() or scaleFailed(). */
  scale(app: ScaledApp): void {
    const attached = this.#attached.get(app)
    if (attached === undefined || attached.isLeaving || this.#isRemoving) return
    attached.wantsScale = true
    if (attached.call === null) this.#next(attached)
  }

  /** The last lines a launch wrote, if the scaler keeps them. */
  output(app: ScaledApp, launch: string): string {
    return this.#attached.get(app)?.scaler.output?.(launch).join('\n') ?? ''
  }

  /**
   * Removes all instances of all apps, for an edge that stops what it started. From now on nothing is launched.
   * Resolves when the platform lists none any more, or after `graceMs`.
   */
  async removeAll(graceMs: number): Promise<void> {
    this.#isRemoving = true
    const deadlineMs = this.#wheel.now() + graceMs
    const removals = [...this.#attached.values()].map((attached) => this.#removeAllOf(attached, deadlineMs))
    for (const result of await Promise.allSettled(removals)) {
      if (result.status === 'rejected') this.#onError('instances could not be removed', result.reason)
    }
  }

  /** Removes all instances of an app that is no more. @throws what the scaler rejects with */
  async remove(app: ScaledApp, graceMs: number): Promise<void> {
    const attached = this.#attached.get(app)
    if (attached === undefined) return
    attached.isLeaving = true
    await this.#removeAllOf(attached, this.#wheel.now() + graceMs)
  }

  /** Closes as soon as no app is attached: those that are being removed may still be. */
  closeWhenUnused(): void {
    this.#closesWhenUnused = true
    if (this.#attached.size === 0) this.#closeUnused()
  }

  #closeUnused(): void {
    this.close().catch((error) => this.#onError('the scaler could not be closed', error))
  }

  async close(): Promise<void> {
    this.#isRemoving = true
    for (const end of this.#underWay) end()
    for (const { timer } of this.#attached.values()) this.#wheel.clear(timer)
    this.#attached.clear()
    await this.#scaler.close()
  }

  /** Those that are there now; what appears later belongs to somebody else. */
  async #removeAllOf({ scaler, timer, call }: Attached, deadlineMs: number): Promise<void> {
    this.#wheel.clear(timer)
    await call
    let those: ReadonlySet<string> | null = null
    for (;;) {
      const instances = await this.#bounded((signal) => scaler.observe(signal))
      those ??= new Set(instances.map(({ id }) => id))
      const remove = instances.filter(({ id, state }) => state !== 'ended' && those?.has(id))
      if (remove.length === 0 || this.#wheel.now() >= deadlineMs) return
      await this.#bounded((signal) => scaler.scale({ want: 0, start: [], remove }, signal))
      await new Promise((resolve) => setTimeout(resolve, REMOVING_OBSERVE_MS))
    }
  }

  #look(attached: Attached): void {
    if (attached.call === null) this.#begin(attached, this.#observe(attached))
  }

  /** After a call: the next one that is wanted, or a look later. */
  #next(attached: Attached): void {
    if (attached.wantsScale) {
      attached.wantsScale = false
      this.#begin(attached, this.#scale(attached))
      return
    }
    const { wantsLook, app } = attached
    attached.wantsLook = false
    const changing = app.isChanging ? CHANGING_OBSERVE_MS : IDLE_OBSERVE_MS
    this.#lookWithin(attached, wantsLook ? CHANGED_MS : changing)
  }

  #lookWithin(attached: Attached, ms: number): void {
    this.#wheel.set(attached.timer, Math.min(attached.timer.atMs, this.#wheel.now() + ms))
  }

  /** @param call resolves with what to tell the app; it never rejects. */
  #begin(attached: Attached, call: Promise<() => void>): void {
    this.#wheel.clear(attached.timer)
    attached.call = call
      .then((tell) => {
        attached.call = null
        if (this.#isRemoving || attached.isLeaving || this.#attached.get(attached.app) !== attached) return
        tell()
        // What it was told may have made the app ask for more.
        if (attached.call === null) this.#next(attached)
      })
      .catch((error) => this.#onError("the scaler's answer could not be used", error))
  }

  async #scale({ app, scaler }: Attached): Promise<() => void> {
    const target = app.target()
    try {
      const start = await Promise.all(target.start.map(({ id }) => this.#launch(app.route, id)))
      const instances = await this.#bounded((signal) => scaler.scale({ ...target, start }, signal))
      return () => app.scaled(instances)
    } catch (error) {
      return () => {
        this.#onError('the scaler could not be called', error)
        app.scaleFailed(problemOfRejection(error))
      }
    }
  }

  async #observe(attached: Attached): Promise<() => void> {
    const { app, scaler } = attached
    try {
      const instances = await this.#bounded((signal) => scaler.observe(signal))
      return () => {
        const adopt = !attached.hasSeen
        attached.hasSeen = true
        attached.isReady = true
        app.observed(instances, adopt)
      }
    } catch (error) {
      return () => {
        this.#onError('the scaler could not be asked what runs', error)
        if (attached.isReady) return
        attached.isReady = true
        app.unobserved()
      }
    }
  }

  async #launch(route: string, id: string): Promise<Launch> {
    return { id, env: await this.#environment(route, id) }
  }

  /** A call that ends after CALL_MS, or when the runner closes, also if the scaler does not heed its signal. */
  #bounded<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = new AbortController()
      const cancel = (reason: Error) => {
        abort.abort(reason)
        reject(reason)
      }
      const onClose = () => cancel(new Error('the edge is stopping'))
      const timeout = setTimeout(
        () => cancel(new Error(`the scaler did not answer within ${CALL_MS / 1000} s`)),
        CALL_MS,
      )
      timeout.unref()
      this.#underWay.add(onClose)
      // In a then: an adapter that throws at once has failed like one that rejects.
      Promise.resolve(abort.signal)
        .then(call)
        .then(resolve, reject)
        .finally(() => {
          clearTimeout(timeout)
          this.#underWay.delete(onClose)
        })
    })
  }
}
