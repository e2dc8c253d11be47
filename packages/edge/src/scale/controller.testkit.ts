import type { Instance, Problem } from '@brxy/scaler'
import { ScaleController } from './controller.ts'
import type { ScaleAction } from './scale-action.ts'
import type { ScaleOptions } from './scale-options.ts'

export const OPTIONS: ScaleOptions = {
  min: 0,
  max: 10,
  patienceMs: 100,
  startTimeoutMs: 120_000,
  lostMs: 2_000,
  adoptMs: 5_000,
  leftMs: 15_000,
  backoffMinMs: 1_000,
  backoffMaxMs: 60_000,
  canLaunch: true,
  isCounted: false,
}

export const CRASHED: Problem = { code: 'crashed', message: 'exit status 1', final: true }

/** A controller with a clock and a demand, whose scaler accepts every call at once unless told otherwise. */
export class Scaling {
  readonly controller: ScaleController
  nowMs = 1_000_000
  held = 0
  freeSlots = 0
  oldestSinceMs = 0
  /** What every call to the scaler answers. null: calls stay out until the test ends them. */
  answer: 'accept' | 'reject' | null = 'accept'
  /** Whether accepted calls leave alone all that they are to remove, and say so. */
  keeps = false
  /** Everything it wanted done so far. */
  readonly actions: ScaleAction[] = []
  /** The targets of its calls. */
  readonly targets: ReturnType<ScaleController['target']>[] = []
  /** As last configured. */
  options: ScaleOptions
  #ids = 0
  #listed: readonly Instance[] = []

  constructor(options: Partial<ScaleOptions> = {}) {
    this.options = { ...OPTIONS, ...options }
    this.controller = new ScaleController(this.options, () => `launch-${++this.#ids}`)
  }

  /** Some options are others from now on. */
  configure(options: Partial<ScaleOptions>): ScaleAction[] {
    this.options = { ...this.options, ...options }
    this.controller.configure(this.options, this.nowMs)
    return this.step()
  }

  setMin(min: number): ScaleAction[] {
    this.controller.setMin(min)
    return this.step()
  }

  /** @returns what it wants done now, calls included. */
  step(): ScaleAction[] {
    const done: ScaleAction[] = []
    for (let steps = 0; ; steps++) {
      if (steps > 1_000) throw new Error(`steps without end: ${JSON.stringify(done.slice(-3))}`)
      const { held, oldestSinceMs, freeSlots } = this
      const actions = this.controller.step({ held, oldestSinceMs, freeSlots }, this.nowMs)
      done.push(...actions)
      if (actions.some(({ kind }) => kind === 'fail-held')) this.held = 0
      if (actions.some(({ kind }) => kind === 'scale')) {
        this.targets.push(this.controller.target())
        if (this.answer === null) break
        if (this.answer === 'accept' && this.keeps) this.controller.observed(this.#kept(), this.nowMs)
        this.callEnded(this.answer === 'reject' ? CRASHED : null)
      } else if (actions.length === 0) break
    }
    this.actions.push(...done)
    return done
  }

  callEnded(problem: Problem | null): void {
    this.controller.callEnded(problem, this.nowMs)
  }

  /** So many requests are held since now. */
  hold(count: number): ScaleAction[] {
    if (this.held === 0) this.oldestSinceMs = this.nowMs
    this.held = count
    return this.step()
  }

  /**
   * Time passes; the controller is stepped whenever it asked to be.
   * @returns what it wanted done, but for what people are told on the way (`launch-slow` is in `actions`)
   */
  pass(ms: number): ScaleAction[] {
    const until = this.nowMs + ms
    const done: ScaleAction[] = []
    for (let steps = 0; ; steps++) {
      const at = this.controller.nextDeadline()
      if (at > until) break
      if (steps > 1_000) throw new Error(`a busy loop at ${this.nowMs}`)
      this.nowMs = Math.max(this.nowMs, at)
      done.push(...this.step())
    }
    this.nowMs = until
    return done.filter(({ kind }) => kind !== 'launch-slow')
  }

  /** Launches it wants now: their ids. */
  launches(actions: readonly ScaleAction[] = this.actions): string[] {
    return actions.flatMap((action) => (action.kind === 'launching' ? [action.launch] : []))
  }

  join(key: string, slots = 1, phase: 'starting' | 'ready' = 'ready'): ScaleAction[] {
    this.controller.joined(key, key.startsWith('launch-'), phase, slots, this.nowMs)
    return this.step()
  }

  /** Members that joined, served one request and are ready. */
  ready(...keys: string[]): void {
    for (const key of keys) {
      this.controller.joined(key, true, 'ready', 1, this.nowMs)
      this.controller.served(key)
    }
    this.step()
  }

  observe(instances: readonly Instance[], adopt = false): ScaleAction[] {
    this.#listed = instances
    this.controller.observed(instances, this.nowMs, adopt)
    return this.step()
  }

  /** What is listed; of the last call's removals, that they were kept. */
  #kept(): Instance[] {
    const ids = new Set(this.targets.at(-1)?.remove.map(({ id }) => id))
    return this.#listed.map((each) => (ids.has(each.id) ? { ...each, kept: true } : each))
  }

  ask(key: string, dispatched = 0): ScaleAction[] {
    this.controller.leaveAsked(key, dispatched, this.nowMs)
    return this.step()
  }

  /** It asks for a successor. */
  replace(key: string): ScaleAction[] {
    this.controller.replaceAsked(key)
    return this.step()
  }

  /** It connects, is ready and lends its first slot. */
  grant(key: string): ScaleAction[] {
    this.controller.joined(key, key.startsWith('launch-'), 'ready', 1, this.nowMs)
    this.controller.granted(key)
    return this.step()
  }

  /** It has stopped its application. */
  park(key: string): ScaleAction[] {
    this.controller.parked(key, this.nowMs)
    return this.step()
  }

  /** Answers so far, such as `a GO`, in order. */
  get verdicts(): string[] {
    return this.actions.flatMap((a) => (a.kind === 'verdict' ? [`${a.member} ${a.go ? 'GO' : 'STAY'}`] : []))
  }

  end(key: string, left = false): ScaleAction[] {
    this.controller.ended(key, left, this.nowMs)
    return this.step()
  }

  phaseOf(key: string): string | undefined {
    return this.controller.member(key)?.phase
  }
}

/** The platform's view of a launch. */
export function instanceOf(
  launch: string,
  state: Instance['state'] = 'running',
  problem?: Problem,
): Instance {
  return { id: `i-${launch}`, launch, state, since: 0, ...(problem === undefined ? {} : { problem }) }
}

export const kinds = (actions: readonly ScaleAction[]) => actions.map(({ kind }) => kind)
