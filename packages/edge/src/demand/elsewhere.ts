import type { ScaleController } from '../scale/controller.ts'
import type { ReportedDemand } from './reported-demand.ts'

/** What the controller was told of an instance. */
type Told = 'starting' | 'ready' | 'going'

/** One that has said goodbye here is not believed to be elsewhere for so long: reports of it may be on their way. */
const LEFT_MS = 5_000

/**
 * The instances of one app that have a session at other edges only, for the scaling controller: to it they are
 * connected like any other, as long as somebody reports them. A pure state machine.
 */
export class Elsewhere {
  readonly #reported: ReportedDemand
  readonly #controller: ScaleController
  /** Whether an instance has a session here, which says more. */
  readonly #isHere: (key: string) => boolean
  readonly #told = new Map<string, Told>()
  readonly #served = new Set<string>()
  /** Those that said goodbye here, and until when that is remembered. */
  readonly #left = new Map<string, number>()

  constructor(reported: ReportedDemand, controller: ScaleController, isHere: (key: string) => boolean) {
    this.#reported = reported
    this.#controller = controller
    this.#isHere = isHere
  }

  /** A session here has ended. @returns whether the instance goes on elsewhere, so that it is not lost */
  keeps(key: string, left: boolean, nowMs: number): boolean {
    if (left) this.#left.set(key, nowMs + LEFT_MS)
    const other = this.#reported.instances().get(key)
    return !left && other !== undefined && other.phase !== 'going'
  }

  /** Tells the controller what has changed. To be called after each report, when one has expired, and when a session here has begun or ended. */
  sync(nowMs: number): void {
    for (const [key, untilMs] of this.#left) if (nowMs >= untilMs) this.#left.delete(key)
    if (this.#reported.isEmpty && this.#told.size === 0) return
    const controller = this.#controller
    const instances = this.#reported.instances()
    for (const { key, launched, phase, slots, served } of instances.values()) {
      if (served && !this.#served.has(key)) {
        this.#served.add(key)
        controller.served(key)
      }
      const told = this.#told.get(key)
      if (this.#left.has(key) || this.#isHere(key)) {
        this.#told.delete(key)
        continue
      }
      if (told === undefined) {
        // One that goes is none that came: if it is known, it was here.
        if (phase !== 'going') controller.joined(key, launched, phase, slots, nowMs)
      } else if (phase === 'ready') controller.readied(key, slots, nowMs)
      if (phase === 'going' && told !== 'going') controller.draining(key, nowMs)
      this.#told.set(key, phase)
    }
    for (const [key, told] of this.#told) {
      if (instances.has(key)) continue
      this.#told.delete(key)
      if (!this.#isHere(key)) controller.ended(key, told === 'going', nowMs)
    }
    for (const key of this.#served) if (!instances.has(key)) this.#served.delete(key)
  }
}
