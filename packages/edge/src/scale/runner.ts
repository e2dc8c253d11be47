import { isBrxyError } from '@brxy/protocol'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { AppScaler, OutputSource, Problem, Scaler, Target } from '@brxy/scaler'
import type { App } from '../app.ts'

/** Longest call to a scaler. */
const CALL_MS = 30_000
/** `changed` hints within this time are one. */
const CHANGED_MS = 100
/** How often the platform is looked at while something starts, and else. */
const LAUNCHING_OBSERVE_MS = 1_000
const IDLE_OBSERVE_MS = 30_000
/** The same, while all instances are being removed at the end. */
const REMOVING_OBSERVE_MS = 50

/** Makes the environment of a launch; its token takes a moment. */
export type LaunchEnvironment = (route: string, launch: string) => Promise<Readonly<Record<string, string>>>

/** One app's way to its scaler: at most one call at a time. */
interface Attached {
  readonly app: App
  readonly scaler: AppScaler & Partial<OutputSource>
  readonly timer: WheelTimer
  /** The first look at the platform is over; before it nothing is launched. */
  isReady: boolean
  isCalling: boolean
  /** A scale() that waits for an observe() under way. */
  waiting: Target | null
}

/** Carries the controllers' wishes to a scaler and its answers back. It decides nothing but when to look again. */
export class ScalerRunner {
  readonly #scaler: Scaler
  readonly #appOptions: unknown
  readonly #environment: LaunchEnvironment
  readonly #wheel: TimerWheel
  readonly #onError: (message: string, error: unknown) => void
  readonly #attached = new Map<string, Attached>()
  readonly #abort = new AbortController()

  constructor(
    scaler: Scaler,
    appOptions: unknown,
    environment: LaunchEnvironment,
    wheel: TimerWheel,
    onError: (message: string, error: unknown) => void,
  ) {
    this.#scaler = scaler
    this.#appOptions = appOptions
    this.#environment = environment
    this.#wheel = wheel
    this.#onError = onError
    // Bad options are found at the start and not with the first request.
    const probe = scaler.app('localhost', appOptions)
    this.leave = probe.leave
  }

  /** What linkers do after they stopped their application. */
  readonly leave: 'exit' | 'park'

  attach(app: App): void {
    const attached: Attached = {
      app,
      scaler: this.#scaler.app(app.route, this.#appOptions),
      timer: new WheelTimer(() => void this.#observe(attached)),
      isReady: false,
      isCalling: false,
      waiting: null,
    }
    this.#attached.set(app.route, attached)
    void this.#observe(attached)
  }

  detach(app: App): void {
    const attached = this.#attached.get(app.route)
    if (attached === undefined) return
    this.#wheel.clear(attached.timer)
    this.#attached.delete(app.route)
  }

  isReady(app: App): boolean {
    return this.#attached.get(app.route)?.isReady ?? false
  }

  /** A scaler's hint that observe() would answer differently. */
  changed(route: string): void {
    const attached = this.#attached.get(route)
    if (attached === undefined) return
    this.#wheel.set(attached.timer, Math.min(attached.timer.atMs, this.#wheel.now() + CHANGED_MS))
  }

  /** Brings about the target; the app hears of the end through scaleEnded(). */
  scale(app: App, target: Target): void {
    const attached = this.#attached.get(app.route)
    if (attached === undefined) return
    if (attached.isCalling) {
      attached.waiting = target
      return
    }
    void this.#scale(attached, target)
  }

  /** The last lines a launch wrote, if the scaler keeps them. */
  output(app: App, launch: string): string {
    return this.#attached.get(app.route)?.scaler.output?.(launch).join('\n') ?? ''
  }

  /**
   * Removes all instances of all apps, for an edge that stops what it started. Resolves when the platform lists none
   * any more, or after `graceMs`.
   */
  async removeAll(graceMs: number): Promise<void> {
    const deadlineMs = this.#wheel.now() + graceMs
    const removals = [...this.#attached.values()].map(async ({ scaler }) => {
      for (;;) {
        const signal = AbortSignal.timeout(CALL_MS)
        const remove = (await scaler.observe(signal)).filter(({ state }) => state !== 'ended')
        if (remove.length === 0 || this.#wheel.now() > deadlineMs) return
        await scaler.scale({ want: 0, start: [], remove }, signal)
        await new Promise((resolve) => setTimeout(resolve, REMOVING_OBSERVE_MS))
      }
    })
    for (const result of await Promise.allSettled(removals)) {
      if (result.status === 'rejected') this.#onError('instances could not be removed', result.reason)
    }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    for (const { timer } of this.#attached.values()) this.#wheel.clear(timer)
    this.#attached.clear()
    await this.#scaler.close()
  }

  async #scale(attached: Attached, target: Target): Promise<void> {
    const { app, scaler } = attached
    attached.isCalling = true
    let problem: Problem | null = null
    try {
      const start = await Promise.all(
        target.start.map(async ({ id }) => ({ id, env: await this.#environment(app.route, id) })),
      )
      const instances = await scaler.scale({ ...target, start }, this.#signal())
      if (this.#abort.signal.aborted) return
      attached.isCalling = false
      app.observed(instances, false)
    } catch (error) {
      if (this.#abort.signal.aborted) return
      problem = { code: 'unavailable', message: messageOf(error), final: true }
      this.#onError('the scaler could not be called', error)
    }
    attached.isCalling = false
    this.#schedule(attached)
    app.scaleEnded(problem)
  }

  async #observe(attached: Attached): Promise<void> {
    if (attached.isCalling) return
    const { app, scaler } = attached
    attached.isCalling = true
    try {
      const instances = await scaler.observe(this.#signal())
      if (this.#abort.signal.aborted) return
      const adopt = !attached.isReady
      attached.isReady = true
      attached.isCalling = false
      app.observed(instances, adopt)
    } catch (error) {
      if (this.#abort.signal.aborted) return
      attached.isCalling = false
      attached.isReady = true
      this.#onError('the scaler could not be asked what runs', error)
      app.step(this.#wheel.now())
    }
    const { waiting } = attached
    attached.waiting = null
    if (waiting !== null) void this.#scale(attached, app.controller.target())
    else this.#schedule(attached)
  }

  #schedule(attached: Attached): void {
    if (this.#attached.get(attached.app.route) !== attached) return
    const launching = [...attached.app.controller.members].some(
      (m) => m.phase === 'asked' || m.phase === 'gone',
    )
    const interval = launching ? LAUNCHING_OBSERVE_MS : IDLE_OBSERVE_MS
    this.#wheel.set(attached.timer, this.#wheel.now() + interval)
  }

  #signal(): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(CALL_MS), this.#abort.signal])
  }
}

function messageOf(error: unknown): string {
  if (isBrxyError(error) || error instanceof Error) return error.message
  return String(error)
}
