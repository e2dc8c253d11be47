import type { ScaleController } from '../scale/controller.ts'
import type { InstanceReport } from './demand-report.ts'
import type { ReportedDemand } from './reported-demand.ts'

/** What the controller was told of an instance. */
interface Told {
  readonly key: string
  readonly phase: InstanceReport['phase']
}

/** One that has said goodbye here is not believed to be elsewhere for so long: reports of it may be on their way. */
const LEFT_MS = 5_000

/**
 * The instances of one app that have a session at other edges only, for the scaling controller: to it they are
 * connected like any other, as long as somebody reports them. A pure state machine.
 *
 * Edges tell instances apart by their process; the controller's key of one only this edge knows, for where replicas are
 * counted it follows from what was launched and listed here. So it may be another one when the process comes here itself.
 */
export class Elsewhere {
  readonly #reported: ReportedDemand
  readonly #controller: ScaleController
  /** Whether this process has a session here, which says more, or another one of the same key that has not failed. */
  readonly #isHere: (key: string, instance: string) => boolean
  /** By process, like all that follows. */
  readonly #told = new Map<string, Told>()
  readonly #served = new Set<string>()
  /** Those that said goodbye here, and until when that is remembered. */
  readonly #left = new Map<string, number>()

  constructor(
    reported: ReportedDemand,
    controller: ScaleController,
    isHere: (key: string, instance: string) => boolean,
  ) {
    this.#reported = reported
    this.#controller = controller
    this.#isHere = isHere
  }

  /** By process: those that said goodbye here so lately that reports of them may be on their way. */
  get left(): Iterable<string> {
    return this.#left.keys()
  }

  /** A session here has told the controller how it ends: all that others say of this key is said to it again. */
  forget(key: string): void {
    for (const [instance, told] of this.#told) if (told.key === key) this.#told.delete(instance)
  }

  /**
   * A session here has ended.
   * @param instance its process
   * @returns whether the instance goes on elsewhere, so that it is not lost
   */
  keeps(instance: string, left: boolean, nowMs: number): boolean {
    if (left) this.#left.set(instance, nowMs + LEFT_MS)
    const other = this.#reported.instances().get(instance)
    return !left && other !== undefined && other.phase !== 'going'
  }

  /** Tells the controller what has changed. To be called after each report, when one has expired, and when a session here has begun or ended. */
  sync(nowMs: number): void {
    for (const [instance, untilMs] of this.#left) if (nowMs >= untilMs) this.#left.delete(instance)
    if (this.#reported.isEmpty && this.#told.size === 0) return
    const instances = this.#reported.instances()
    for (const report of instances.values()) this.#tell(report, nowMs)
    for (const [instance, { key, phase }] of this.#told) {
      if (instances.has(instance)) continue
      this.#told.delete(instance)
      if (!this.#isHere(key, instance) && !this.#isTold(key))
        this.#controller.ended(key, phase === 'going', nowMs)
    }
    for (const instance of this.#served) if (!instances.has(instance)) this.#served.delete(instance)
  }

  #tell(report: InstanceReport, nowMs: number): void {
    const controller = this.#controller
    const { instance, launch, phase, slots, served } = report
    const told = this.#told.get(instance)
    // One that goes is none that came: it stands for no launch, and if it is known, it was here.
    const isNew = told === undefined && phase !== 'going'
    const key = told?.key ?? (isNew ? controller.keyOf(report) : controller.knownKeyOf(report))
    if (key === null) return
    if (served && !this.#served.has(instance)) {
      this.#served.add(instance)
      controller.served(key)
    }
    if (this.#left.has(instance) || this.#isHere(key, instance)) {
      this.#told.delete(instance)
      return
    }
    const was = told?.phase
    if (phase === 'going') {
      if (was !== 'going') controller.draining(key, nowMs)
    } else if (phase === 'parked') {
      // Nobody here could recall it: it is gone, and the platform removes it.
      if (was !== 'parked') controller.ended(key, true, nowMs)
    } else if (was === undefined || was === 'going' || was === 'parked')
      controller.joined(key, launch !== undefined, phase, slots, nowMs, report)
    else if (phase === 'ready') controller.readied(key, slots, nowMs)
    this.#told.set(instance, { key, phase })
  }

  /** Another process of the same launch or replica. */
  #isTold(key: string): boolean {
    for (const told of this.#told.values()) if (told.key === key) return true
    return false
  }
}
