import type { Instance, Problem, Target } from '@brxy/scaler'
import { Backoff } from './backoff.ts'
import { isStarting, type Member, Members } from './members.ts'

/** The demand of one app at a moment, as the broker knows it. */
export interface Demand {
  readonly held: number
  /** Since when the oldest held request waits. Meaningless while held is 0. */
  readonly oldestSinceMs: number
  /** Grants that could be spent at once. */
  readonly usableGrants: number
}

export interface ScaleOptions {
  /** Instances kept running. */
  readonly min: number
  /** Bounds connected + starting instances. */
  readonly max: number
  /** How long a request may be held, while instances are ready, before another is started. */
  readonly patienceMs: number
  /** A launch that has not connected by then has failed. */
  readonly startTimeoutMs: number
  /** A session that ended without leaving counts as starting for so long. */
  readonly lostMs: number
  /** Instances found at the start count as starting for so long. */
  readonly adoptMs: number
  /** An instance that left is removed from the platform if it is still there after this time. */
  readonly leftMs: number
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** Whether this edge can start instances of the app at all. */
  readonly canLaunch: boolean
}

/** What the controller wants done. */
export type ScaleAction =
  /** Call the scaler with target(); say callEnded() afterwards. At most one is out. */
  | { readonly kind: 'scale' }
  /** A launch was decided; it is in the next target. For people who watch. */
  | { readonly kind: 'launching'; readonly launch: string; readonly copy: number }
  | {
      readonly kind: 'launch-failed'
      readonly launch: string
      readonly problem: Problem
      readonly retryMs: number
    }
  /** No instance can come: answer every held request with the reason. */
  | { readonly kind: 'fail-held'; readonly problem: Problem; readonly retryMs: number }
  /** Answer the LEAVE of an instance. */
  | { readonly kind: 'verdict'; readonly member: string; readonly go: boolean }

/**
 * How many instances one app should have, and which (DESIGN section 7). A pure state machine: events come in by
 * the methods, step() says what to do about them, nextDeadline() when to step again.
 */
export class ScaleController {
  readonly #options: ScaleOptions
  readonly #newId: () => string
  readonly #members = new Members()
  readonly #backoff: Backoff
  /** Platform instances that must not exist, by their id. */
  readonly #removals = new Map<string, Instance>()
  #slots = 0
  #lastReadyMs = Number.NEGATIVE_INFINITY
  #lastProblem: Problem | null = null
  #copies = 0
  #isCalling = false
  #callWanted = false
  #retryCallMs = Number.POSITIVE_INFINITY
  #leaver: string | null = null
  #deadlineMs = Number.POSITIVE_INFINITY
  readonly #events: ScaleAction[] = []

  /** @param newId makes the ids of launches, never the same twice. */
  constructor(options: ScaleOptions, newId: () => string) {
    this.#options = options
    this.#newId = newId
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs)
  }

  get members(): Iterable<Member> {
    return this.#members
  }

  member(key: string): Member | undefined {
    return this.#members.get(key)
  }

  /** Slots an instance of this app has; 0 until one said so. */
  get slotsPerInstance(): number {
    return this.#slots
  }

  nextDeadline(): number {
    return this.#deadlineMs
  }

  // --- events of sessions; `key` is the launch id, or the instance id of one that was started by hand ---

  /** A linker said HELLO. @returns its member. */
  joined(key: string, launched: boolean, phase: 'starting' | 'ready', slots: number, nowMs: number): Member {
    const member = this.#members.get(key) ?? this.#members.add(key, launched, ++this.#copies, nowMs)
    this.#enter(member, phase, nowMs)
    this.#learnSlots(member, slots)
    if (phase === 'ready') this.#lastReadyMs = nowMs
    return member
  }

  /** Its application listens. */
  readied(key: string, slots: number, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    this.#learnSlots(member, slots)
    this.#lastReadyMs = nowMs
    if (member.phase === 'starting') this.#enter(member, 'ready', nowMs)
  }

  /** It completed a response: the app can be started. */
  served(key: string): void {
    const member = this.#members.get(key)
    if (member !== undefined) member.hasServed = true
    this.#backoff.succeeded()
    this.#lastProblem = null
  }

  /** It wants to leave; a verdict follows. */
  leaveAsked(key: string, nowMs: number): void {
    const member = this.#members.get(key)
    if (member !== undefined && member.phase === 'ready') this.#enter(member, 'asking', nowMs)
  }

  /** It drains (a signal): it takes no more and will go. */
  draining(key: string, nowMs: number): void {
    const member = this.#members.get(key)
    if (member !== undefined) this.#enter(member, 'leaving', nowMs)
  }

  /** Its application failed; the linker said why. */
  failed(key: string, problem: Problem, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined || member.phase === 'gone') return
    if (member.hasServed) this.#forget(member, nowMs)
    else this.#startFailed(member, problem, nowMs)
  }

  /** Its session ended; `left` if it had said goodbye. */
  ended(key: string, left: boolean, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined || member.phase === 'gone') return
    if (left || member.phase === 'leaving') this.#forget(member, nowMs)
    else this.#enter(member, 'lost', nowMs)
  }

  // --- events of the scaler ---

  /** What the scaler sees. `adopt`: the first look, whose instances are those of an earlier edge. */
  observed(instances: readonly Instance[], nowMs: number, adopt = false): void {
    const listed = new Set<string>()
    for (const instance of instances) {
      listed.add(instance.id)
      const key = instance.launch ?? instance.id
      const member = this.#members.get(key)
      if (member === undefined) {
        if (adopt && instance.state !== 'ended') this.#adopt(key, instance, nowMs)
        else if (instance.state === 'ended') this.#remove(instance)
        continue
      }
      member.instance = instance
      if (instance.problem !== undefined) member.problem = instance.problem
      if (instance.state === 'ended') this.#instanceEnded(member, instance, nowMs)
      else if (instance.problem?.final === true && isStarting(member))
        this.#startFailed(member, instance.problem, nowMs)
    }
    for (const id of this.#removals.keys()) if (!listed.has(id)) this.#removals.delete(id)
    for (const member of this.#members) {
      if (member.phase === 'gone' && (member.instance === null || !listed.has(member.instance.id)))
        this.#members.delete(member)
    }
  }

  /** The call that a 'scale' action asked for has ended. */
  callEnded(problem: Problem | null, nowMs: number): void {
    this.#isCalling = false
    if (problem === null) {
      this.#retryCallMs = Number.POSITIVE_INFINITY
      return
    }
    // Nothing is known to have started, so the launches of this target have failed; the ids are never used again.
    let failed = false
    for (const member of this.#members) {
      if (member.phase === 'asked') {
        this.#startFailed(member, problem, nowMs)
        failed = true
      }
    }
    if (!failed) this.#retryCallMs = nowMs + this.#options.backoffMinMs
  }

  /** What the scaler is to bring about. */
  target(): Target {
    const start = []
    let want = 0
    for (const member of this.#members) {
      if (member.phase === 'asked') start.push({ id: member.key, env: {} })
      if (member.phase !== 'gone') want++
    }
    return { want, start, remove: [...this.#removals.values()] }
  }

  /** Says what to do now. Call it after each event, when demand rises, and at nextDeadline(). */
  step(demand: Demand, nowMs: number): ScaleAction[] {
    this.#expire(nowMs)
    this.#launch(demand, nowMs)
    this.#judgeLeavers(demand, nowMs)
    if (nowMs >= this.#retryCallMs) this.#callWanted = true
    if (this.#callWanted && !this.#isCalling) {
      this.#callWanted = false
      this.#isCalling = true
      this.#retryCallMs = Number.POSITIVE_INFINITY
      this.#events.push({ kind: 'scale' })
    }
    this.#deadlineMs = this.#computeDeadline(demand)
    return this.#events.splice(0)
  }

  #launch(demand: Demand, nowMs: number): void {
    const { min, max } = this.#options
    const { total, starting, ready } = this.#members.count()
    if (!this.#options.canLaunch) {
      if (demand.held > 0 && total === 0 && this.#lastProblem !== null) this.#failHeld(nowMs)
      return
    }
    if (this.#backoff.isClosed(nowMs)) {
      if (demand.held > 0 && starting === 0 && ready === 0) this.#failHeld(nowMs)
      return
    }
    let count = this.#wanted(demand, starting, ready, nowMs)
    count = Math.max(count, min - total)
    // One launch probes whether the app can be started again after a failure.
    if (this.#backoff.failures > 0) count = Math.min(count, 1 - starting)
    count = Math.min(count, max - total)
    for (let i = 0; i < count; i++) {
      const member = this.#members.add(this.#newId(), true, ++this.#copies, nowMs)
      member.deadlineMs = nowMs + this.#options.startTimeoutMs
      this.#events.push({ kind: 'launching', launch: member.key, copy: member.copy })
      this.#callWanted = true
    }
  }

  /** The launches that the demand asks for, before min and max. */
  #wanted(demand: Demand, starting: number, ready: number, nowMs: number): number {
    if (demand.held === 0) return 0
    if (starting === 0 && ready === 0) return this.#slots === 0 ? 1 : Math.ceil(demand.held / this.#slots)
    if (ready > 0 && nowMs < this.#patientUntilMs(demand)) return 0
    if (this.#slots === 0) return 0
    const free = demand.usableGrants + starting * this.#slots
    const count = Math.ceil((demand.held - free) / this.#slots)
    // Somebody waits although the sum says all is well: the sum is wrong, or an instance is stuck.
    return count <= 0 && starting === 0 ? 1 : count
  }

  /** The patience clock runs from the oldest request, and anew from each instance that became ready. */
  #patientUntilMs(demand: Demand): number {
    return Math.max(demand.oldestSinceMs, this.#lastReadyMs) + this.#options.patienceMs
  }

  #failHeld(nowMs: number): void {
    const problem = this.#lastProblem
    if (problem !== null)
      this.#events.push({ kind: 'fail-held', problem, retryMs: this.#backoff.remainingMs(nowMs) })
  }

  /** One at a time leaves, in the order of asking; who asks while there is demand, or while `min` needs it, stays. */
  #judgeLeavers(demand: Demand, nowMs: number): void {
    if (this.#leaver !== null) {
      const phase = this.#members.get(this.#leaver)?.phase
      if (phase === 'leaving') return
      this.#leaver = null
    }
    for (const member of this.#members.inOrderOf('asking')) {
      const staying = this.#members.count().ready
      const go = this.#options.canLaunch && demand.held === 0 && staying >= this.#options.min
      this.#events.push({ kind: 'verdict', member: member.key, go })
      this.#enter(member, go ? 'leaving' : 'ready', nowMs)
      if (go) {
        this.#leaver = member.key
        return
      }
    }
  }

  #expire(nowMs: number): void {
    for (const member of this.#members) {
      if (nowMs < member.deadlineMs) continue
      switch (member.phase) {
        case 'asked': {
          const seconds = Math.round(this.#options.startTimeoutMs / 1000)
          this.#startFailed(
            member,
            member.problem ?? {
              code: 'unavailable',
              message: `no linker connected within ${seconds} s`,
              final: true,
            },
            nowMs,
          )
          break
        }
        case 'lost':
          if (member.hasServed) this.#forget(member, nowMs)
          else
            this.#startFailed(
              member,
              { code: 'crashed', message: 'the tunnel was lost before the first response', final: true },
              nowMs,
            )
          break
        case 'gone':
          if (member.instance !== null) this.#remove(member.instance)
          this.#members.delete(member)
          break
        default:
          member.deadlineMs = Number.POSITIVE_INFINITY
      }
    }
  }

  #instanceEnded(member: Member, instance: Instance, nowMs: number): void {
    if (isStarting(member)) {
      const problem = instance.problem ?? {
        code: 'crashed',
        message: 'it ended before it connected',
        final: true,
      }
      if (member.phase === 'lost' && member.hasServed) this.#forget(member, nowMs)
      else this.#startFailed(member, problem, nowMs)
    }
    // A connected one tells its own story; the platform's record is not needed any more once it is gone.
    if (member.phase === 'gone') {
      this.#remove(instance)
      this.#members.delete(member)
    }
  }

  #adopt(key: string, instance: Instance, nowMs: number): void {
    const member = this.#members.add(key, instance.launch !== undefined, ++this.#copies, nowMs)
    member.instance = instance
    this.#enter(member, 'lost', nowMs)
    member.hasServed = true
    member.deadlineMs = nowMs + this.#options.adoptMs
  }

  #startFailed(member: Member, problem: Problem, nowMs: number): void {
    this.#backoff.failed(nowMs)
    this.#lastProblem = problem
    this.#events.push({
      kind: 'launch-failed',
      launch: member.key,
      problem,
      retryMs: this.#backoff.remainingMs(nowMs),
    })
    this.#forget(member, nowMs)
    // It never served anything, so the platform's instance goes at once.
    member.deadlineMs = nowMs
    if (member.instance !== null) this.#remove(member.instance)
  }

  #forget(member: Member, nowMs: number): void {
    this.#enter(member, 'gone', nowMs)
  }

  #remove(instance: Instance): void {
    if (this.#removals.has(instance.id)) return
    this.#removals.set(instance.id, instance)
    this.#callWanted = true
  }

  #enter(member: Member, phase: Member['phase'], nowMs: number): void {
    this.#members.enter(member, phase, nowMs)
    const { lostMs, leftMs } = this.#options
    member.deadlineMs =
      phase === 'lost' ? nowMs + lostMs : phase === 'gone' ? nowMs + leftMs : Number.POSITIVE_INFINITY
  }

  #learnSlots(member: Member, slots: number): void {
    member.slots = slots
    if (slots > 0) this.#slots = slots
  }

  #computeDeadline(demand: Demand): number {
    let deadline = this.#retryCallMs
    for (const member of this.#members) deadline = Math.min(deadline, member.deadlineMs)
    if (demand.held > 0) {
      deadline = Math.min(deadline, this.#backoff.untilMs)
      const until = this.#patientUntilMs(demand)
      const { total, starting, ready } = this.#members.count()
      if (ready > 0 && starting === 0 && total < this.#options.max) deadline = Math.min(deadline, until)
    }
    return deadline
  }
}
