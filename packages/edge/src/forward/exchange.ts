import type { Arrival } from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import type { App } from '../app.ts'
import type { Brokered } from '../broker.ts'
import type { ClientErrorCode } from '../error.ts'
import { afterLoss } from '../hold/after-loss.ts'
import type { Held } from '../hold/queue.ts'
import type { Instance } from '../tunnel/instance.ts'
import type { LostRequest } from './lost-requests.ts'
import { serverTiming } from './server-timing.ts'
import type { Shared } from './shared.ts'

/** What a held request occupies beside its head and body. */
const HELD_OVERHEAD_BYTES = 1024

/**
 * One request, whatever it speaks, as its app and the broker see it: it waits for a grant, is given to an instance, and
 * perhaps comes back to its place to be given to another one. What it sends there is for HttpExchange and TcpExchange.
 */
export abstract class Exchange implements Brokered<Instance>, LostRequest {
  readonly arrival: number
  readonly startedMs: number
  readonly priorityMs: number
  heldBytes = 0
  heldSinceMs: number
  holdUntilMs: number
  heldNext: Held | null = null
  heldPrevious: Held | null = null
  isHeld = false
  avoid: Instance | null = null
  /** Status sent to the client; 0 before, and for what has none. */
  status = 0
  abstract readonly isPassive: boolean

  protected readonly shared: Shared
  #app: App
  #instance: Instance | null = null
  #heldMs = 0
  #wasRepeated = false

  constructor(app: App, shared: Shared, nowMs: number, priorityMs = 0) {
    this.#app = app
    this.shared = shared
    this.arrival = shared.nextArrival()
    this.startedMs = nowMs
    this.priorityMs = priorityMs
    this.heldSinceMs = nowMs
    this.holdUntilMs = nowMs + app.settings.options.holdMs
  }

  get app(): App {
    return this.#app
  }

  /** The instance that it was given to last; null while it waits. */
  get instance(): Instance | null {
    return this.#instance
  }

  /** What its client is told of the time that it waited; empty if it did not. */
  get serverTiming(): string {
    return serverTiming(this.#heldMs, this.heldSinceMs, this.#instance?.start ?? null)
  }

  /** A passive request waits for nobody to wake: no instance is ready. */
  answerAsleep(): void {}

  /** It was given to an instance, whose grant is spent: it begins, or begins again. */
  protected abstract start(instance: Instance, nowMs: number): void
  /** The linker is back and says that it never had the request, which waits for that. */
  abstract onNeverReceived(): void
  /** Nobody will say whether the request was served, which waits for that; or it was. */
  abstract onGivenUp(): void
  /** It is over, and the client is told why as far as it can be. */
  protected abstract fail(code: ClientErrorCode, detail?: string, retryMs?: number): void

  // --- from the broker and the app ---

  /** A grant was spent for it: it goes to the instance now. */
  dispatchTo(instance: Instance, nowMs: number): void {
    this.#instance = instance
    this.#heldMs += nowMs - this.heldSinceMs
    this.start(instance, nowMs)
  }

  onHoldTimeout(): void {
    this.fail('edge/hold-timeout')
  }

  onCannotStart(problem: Problem, retryMs: number): void {
    this.fail('edge/cannot-start', problem.code, retryMs)
  }

  /** Its app is no more; it waits on for another one, at its place by arrival, or is told why there is none. */
  moveTo(app: App | ClientErrorCode): void {
    if (typeof app === 'string') return this.fail(app)
    this.#app = app
    app.resubmit(this)
  }

  /** The edge is stopping or the queue is full. */
  refuse(code: ClientErrorCode, retryMs?: number): void {
    this.fail(code, undefined, retryMs)
  }

  // --- for what is below ---

  /** It buffers so many bytes more while it waits. @returns false if that is beyond a bound */
  protected grow(bytes: number): boolean {
    return this.#app.broker.queueOf(this).grow(this, bytes)
  }

  /**
   * Back to its place in the queue, for the instance has not served it. It was admitted before, so only its age bounds
   * how often.
   * @returns false if it has waited long enough
   */
  protected startOver(): boolean {
    const nowMs = this.shared.wheel.now()
    this.avoid = this.#instance
    this.#instance = null
    this.heldSinceMs = nowMs
    return nowMs < this.holdUntilMs
  }

  /** Back into the queue, at its place by arrival. An edge that stops holds nothing: now or never. */
  protected resubmit(): void {
    this.#app.resubmit(this)
    if (this.isHeld && this.shared.isDraining) this.refuse('edge/draining')
  }

  /**
   * The session under it is gone, and nothing of a response is on its way to the client.
   * @param stream of the instance that it was given to
   * @returns what to do: start over now, wait for onNeverReceived() or onGivenUp(), or fail
   */
  protected afterLoss(
    arrival: Arrival,
    stream: { readonly id: number; readonly answered: boolean },
    isSafe: boolean,
  ): 'again' | 'wait' | 'over' {
    const { answered: isAnswered } = stream
    const next = afterLoss({ arrival, isAnswered, isSafe, wasRepeated: this.#wasRepeated })
    if (next === 'repeat') this.#wasRepeated = true
    if (next !== 'ask') return next === 'over' ? 'over' : 'again'
    const { lost, isDraining, options } = this.shared
    const { lostSessionMs } = options.timeouts
    // An edge that stops lets no linker in that could tell.
    if (isDraining || lostSessionMs === 0 || this.#instance === null) return 'over'
    this.heldSinceMs = this.shared.wheel.now()
    return lost.wait(this, this.#instance, stream.id, lostSessionMs) ? 'wait' : 'over'
  }

  /** It waits no longer, and was given to nobody. */
  protected endWaiting(): void {
    this.#app.withdraw(this)
    this.shared.lost.withdraw(this)
    this.#heldMs += this.shared.wheel.now() - this.heldSinceMs
  }

  /** @param bytes of its head and body that are kept */
  protected occupy(bytes: number): void {
    this.heldBytes = HELD_OVERHEAD_BYTES + bytes
  }

  /**
   * For people who watch.
   * @param where its target, made only if somebody watches
   * @param instance its label, or who served it instead
   * @param error a code, or what became of it; null if all went well
   */
  protected tell(
    method: string,
    where: { readonly target: string },
    instance: string | null,
    error: string | null,
  ): void {
    const { shared } = this
    if (!shared.wantsRequests) return
    shared.emit({
      type: 'request',
      app: this.#app.route,
      instance,
      method,
      target: where.target,
      status: this.status,
      tookMs: shared.wheel.now() - this.startedMs,
      heldMs: this.#heldMs,
      error,
    })
  }
}
