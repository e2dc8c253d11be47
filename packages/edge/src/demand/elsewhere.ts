import type { ScaleController } from '../scale/controller.ts'
import type { ReportedDemand } from './reported-demand.ts'

/** What the controller was told of an instance; `left`: nothing any more, for it has said goodbye here. */
type Told = 'starting' | 'ready' | 'going' | 'left'

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

  constructor(reported: ReportedDemand, controller: ScaleController, isHere: (key: string) => boolean) {
    this.#reported = reported
    this.#controller = controller
    this.#isHere = isHere
  }

  /** A session here has ended. @returns whether the instance goes on elsewhere, so that it is not lost */
  keeps(key: string, left: boolean): boolean {
    const other = this.#reported.instances().get(key)
    if (other === undefined) return false
    // Its goodbye to the others is on its way.
    if (left) this.#told.set(key, 'left')
    return !left && other.phase !== 'going'
  }

  /** Tells the controller what has changed. To be called after each report, when one has expired, and when a session here has begun or ended. */
  sync(nowMs: number): void {
    if (this.#reported.isEmpty && this.#told.size === 0) return
    const controller = this.#controller
    const instances = this.#reported.instances()
    for (const { key, launched, phase, slots, served } of instances.values()) {
      if (served && !this.#served.has(key)) {
        this.#served.add(key)
        controller.served(key)
      }
      const told = this.#told.get(key)
      if (told === 'left') continue
      if (this.#isHere(key)) {
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
      if (told !== 'left' && !this.#isHere(key)) controller.ended(key, told === 'going', nowMs)
    }
    for (const key of this.#served) if (!instances.has(key)) this.#served.delete(key)
  }
}
