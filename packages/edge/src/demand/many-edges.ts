import type { App } from '../app.ts'
import type { Instance } from '../tunnel/instance.ts'
import type { AppAnswer, AppProblem, AppReport } from './demand-report.ts'
import { Elsewhere } from './elsewhere.ts'
import { ReportedDemand } from './reported-demand.ts'

/** One app of an edge that is not the only one: what others report of it, or what the one that scales answers. */
export class ManyEdges {
  readonly reported = new ReportedDemand()
  /** What WELCOME says of leaving, as the edge that scales has said it. */
  leave: 'exit' | 'park' = 'exit'
  readonly #app: App
  readonly #isReporting: () => boolean
  #elsewhere: Elsewhere | null = null
  /** Reports, or who is here. */
  #hasChanged = false

  constructor(app: App, isReporting: () => boolean) {
    this.#app = app
    this.#isReporting = isReporting
  }

  nextDeadline(): number {
    return this.reported.nextDeadline()
  }

  // --- at the edge that scales ---

  received(edge: string, report: AppReport, nowMs: number): Omit<AppAnswer, 'route'> {
    const app = this.#app
    this.reported.received(edge, report, nowMs)
    this.#hasChanged = true
    app.step(nowMs)
    const problem = this.#problem(nowMs)
    return { leave: app.runner?.leave(app) ?? 'exit', ...(problem === null ? {} : { problem }) }
  }

  /** Before the controller decides. */
  step(nowMs: number): void {
    const hasExpired = this.reported.expire(nowMs)
    if (!hasExpired && !this.#hasChanged) return
    this.#hasChanged = false
    this.#others.sync(nowMs)
  }

  /**
   * An instance here has failed, and so may be removed: unless others see another process of it, as of a replica that the
   * platform has started again while they have not noticed, or of a launch that it has started twice. Before anything is
   * decided, for its session may end much later than the platform is called.
   */
  failed({ key }: Instance): void {
    this.#hasChanged = true
    this.#elsewhere?.forget(key)
  }

  /** @returns whether an instance whose session here has ended has another one elsewhere */
  keeps({ key, hello }: Instance, left: boolean, nowMs: number): boolean {
    this.#hasChanged = true
    this.#others.forget(key)
    return hello !== null && this.#others.keeps(hello.instance, left, nowMs)
  }

  /** By process: instances that said goodbye here, of which a report that is on its way may say that they are ready. */
  get left(): Iterable<string> {
    return this.#elsewhere?.left ?? []
  }

  /** From the first session that ends on, for the first report may be older than that. */
  get #others(): Elsewhere {
    const app = this.#app
    this.#elsewhere ??= new Elsewhere(
      this.reported,
      app.controller,
      (key, instance) => app.instances.has(instance) || (app.instanceOf(key)?.phase ?? 'failed') !== 'failed',
    )
    return this.#elsewhere
  }

  /** As the controller fails what is held here: nobody can serve soon, and nothing is launched for now. */
  #problem(nowMs: number): AppProblem | null {
    const { controller } = this.#app
    const failure = controller.failure(nowMs)
    if (failure === null || failure.retryMs === 0 || !controller.isHopeless) return null
    return { code: failure.code, retryMs: failure.retryMs }
  }

  // --- at one that reports ---

  answered(answer: AppAnswer | null): void {
    if (answer === null) return
    this.leave = answer.leave
    const { problem } = answer
    const { instances, held } = this.#app
    if (problem === undefined || held.count === 0) return
    for (const { isEligible, slots } of instances.values()) if (isEligible && slots > 0) return
    const message = 'the edge that scales cannot start an instance'
    held.failDemand({ code: problem.code, message, final: true }, problem.retryMs)
  }

  /**
   * Whether an instance may leave, if another edge scales: as far as this edge is concerned, unless somebody waits here.
   * What is to be kept is for the other one to say, which is asked as well.
   * @returns whether that was for this edge to answer
   */
  judgesLeave(instance: Instance, nowMs: number): boolean {
    if (!this.#isReporting()) return false
    const app = this.#app
    const go = app.held.count === 0
    instance.session.verdict(go)
    if (go) app.controller.draining(instance.key, nowMs)
    else {
      instance.phase = 'ready'
      app.eligibilityChanged(instance, nowMs)
    }
    app.step(nowMs)
    return true
  }
}
