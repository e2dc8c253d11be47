import type { Instance, Problem, Target } from '@brxy/scaler'
import { Backoff } from './backoff.ts'
import { Leavers } from './leavers.ts'
import { isStarting, isUnseen, type Member, Members, type Phase } from './members.ts'
import { ENDED, LOST, neverConnected } from './problems.ts'
import { Removals } from './removals.ts'
import { slowLaunches } from './slow-launches.ts'
import { type Demand, launchesFor } from './sum.ts'

export type { Demand } from './sum.ts'

export interface ScaleOptions {
  /** Instances kept running. */
  readonly min: number
  /** Bounds connected + starting instances. */
  readonly max: number
  /** S until the first instance has said its own. Without it, one is started to learn S before any more are. */
  readonly slots?: number | undefined
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
  /** No linker has connected for a while. For people who watch. */
  | { readonly kind: 'launch-slow'; readonly launch: string; readonly tookMs: number }
  /** No instance can come: answer every held request with the reason. */
  | { readonly kind: 'fail-held'; readonly problem: Problem; readonly retryMs: number }
  /** Answer the LEAVE of an instance. */
  | { readonly kind: 'verdict'; readonly member: string; readonly go: boolean }

/**
 * How many instances one app should have, and which (DESIGN section 7). A pure state machine: events come in by
 * the methods, step() says what to do about them, nextDeadline() when to step again.
 */
export class ScaleController {
  #options: ScaleOptions
  readonly #newId: () => string
  readonly #members = new Members()
  readonly #leavers = new Leavers()
  readonly #backoff: Backoff
  readonly #removals = new Removals()
  /** S: slots an instance of this app has; 0 until one said so: until then options.slots is. */
  #slots = 0
  #lastReadyMs = Number.NEGATIVE_INFINITY
  #lastProblem: Problem | null = null
  #copies = 0
  /** When the platform was last seen. */
  #seenMs = Number.NEGATIVE_INFINITY
  #isCalling = false
  #callWanted = false
  #deadlineMs = Number.POSITIVE_INFINITY
  readonly #actions: ScaleAction[] = []

  /** @param newId makes the ids of launches, never the same twice. */
  constructor(options: ScaleOptions, newId: () => string) {
    this.#options = options
    this.#newId = newId
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs)
  }

  /** In launch order. */
  get members(): Iterable<Member> {
    return this.#members
  }

  member(key: string): Member | undefined {
    return this.#members.get(key)
  }

  /** Nothing runs, starts or waits to be removed. */
  get isEmpty(): boolean {
    for (const _ of this.#members) return false
    return this.#removals.size === 0 && !this.#isCalling
  }

  /** Why the last start failed; null once an instance has served since. */
  failure(nowMs: number): { code: string; message: string; retryMs: number } | null {
    const problem = this.#lastProblem
    return (
      problem && {
        code: problem.code,
        message: problem.message,
        retryMs: Math.round(this.#backoff.remainingMs(nowMs)),
      }
    )
  }

  nextDeadline(): number {
    return this.#deadlineMs
  }

  /**
   * Other options from now on, which a reloaded configuration brings; setMin() is overwritten. The next step, due at
   * once, decides by them. What has been decided stays: a lower `max` or `min` ends nothing, a launch has the time it
   * was given, a pause lasts as long as it was to last, and without `canLaunch` only new launches cease.
   */
  configure(options: ScaleOptions, nowMs: number): void {
    this.#options = options
    this.#backoff.configure(options.backoffMinMs, options.backoffMaxMs)
    this.#deadlineMs = nowMs
  }

  /** Another `min`, for the hours in which an app is kept warm (KeepWarm). Call step() afterwards. */
  setMin(min: number): void {
    this.#options = { ...this.#options, min }
  }

  // --- events of sessions; `key` is the launch id, or the instance id of one that was started by hand ---

  /** A linker said HELLO. @returns its member. */
  joined(key: string, launched: boolean, phase: 'starting' | 'ready', slots: number, nowMs: number): Member {
    const member = this.#members.get(key) ?? this.#members.add(key, launched, ++this.#copies, nowMs)
    // It was given up and connected before it was removed: it is kept.
    if (member.phase === 'gone' && member.instance !== null) this.#removals.cancel(member.instance.id)
    member.hasFailed = false
    this.#learnSlots(member, slots)
    this.#enter(member, phase, nowMs)
    return member
  }

  /** Its application listens. */
  readied(key: string, slots: number, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    this.#learnSlots(member, slots)
    if (member.phase === 'starting') this.#enter(member, 'ready', nowMs)
  }

  /** It completed a response: the app can be started. */
  served(key: string): void {
    const member = this.#members.get(key)
    if (member !== undefined) member.hasServed = true
    this.#backoff.succeeded()
    this.#lastProblem = null
  }

  /** It wants to leave; a verdict follows. @param dispatched requests it has been given since it connected. */
  leaveAsked(key: string, dispatched: number, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined || member.phase !== 'ready') return
    member.dispatched = dispatched
    this.#enter(member, 'asking', nowMs)
  }

  /** It drains (a signal): it takes no more and will go. */
  draining(key: string, nowMs: number): void {
    const member = this.#members.get(key)
    if (member !== undefined && member.phase !== 'gone') this.#enter(member, 'leaving', nowMs)
  }

  /** Its application failed; the linker said why. */
  failed(key: string, problem: Problem, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined || member.phase === 'gone') return
    if (member.hasServed) this.#enter(member, 'gone', nowMs)
    else this.#startFailed(member, problem, nowMs)
  }

  /** Its session ended; `left` if it had said goodbye. */
  ended(key: string, left: boolean, nowMs: number): void {
    const member = this.#members.get(key)
    if (member === undefined || member.phase === 'gone') return
    this.#enter(member, left || member.phase === 'leaving' ? 'gone' : 'lost', nowMs)
  }

  // --- events of the scaler ---

  /** What the scaler sees. `adopt`: the first look, whose instances are those of an earlier edge. */
  observed(instances: readonly Instance[], nowMs: number, adopt = false): void {
    const listed = new Set(instances.map(({ id }) => id))
    this.#seenMs = nowMs
    for (const instance of instances) {
      const key = instance.launch ?? instance.id
      const member = this.#members.get(key)
      if (member !== undefined) this.#memberObserved(member, instance, nowMs)
      else if (instance.state === 'ended') this.#remove(instance)
      else if (adopt) this.#adopt(key, instance, nowMs)
    }
    this.#removals.onListed(listed)
    for (const member of this.#members) {
      // One that was never listed may yet appear: its deadline says how long that is waited for.
      if (member.phase === 'gone' && member.instance !== null && !listed.has(member.instance.id)) {
        this.#members.delete(member)
      }
    }
  }

  /** The call that a 'scale' action asked for has ended. */
  callEnded(problem: Problem | null, nowMs: number): void {
    this.#isCalling = false
    this.#removals.onCallEnded(nowMs)
    for (const member of this.#members) {
      if (member.call !== 'out') continue
      member.call = problem === null ? 'accepted' : 'none'
      // Nothing is known to have started, so the launches that were new in this call have failed. Their ids are never
      // used again, and what appears of them nevertheless is removed.
      if (problem !== null && member.phase === 'asked') this.#startFailed(member, problem, nowMs)
    }
  }

  /** What the scaler is to bring about. To be asked when the call begins, once for each 'scale'. */
  target(): Target {
    const start = []
    let want = 0
    for (const member of this.#members) {
      if (member.phase === 'asked') {
        start.push({ id: member.key, env: {} })
        if (member.call === 'none') member.call = 'out'
      }
      // Linkers that were started by hand are none of the platform's.
      if (member.phase !== 'gone' && (member.launched || member.instance !== null)) want++
    }
    return { want, start, remove: this.#removals.list() }
  }

  /** Says what to do now. Call it after each event, when demand rises, and at nextDeadline(). */
  step(demand: Demand, nowMs: number): ScaleAction[] {
    this.#expire(nowMs)
    // First, for those that are told to stay may be what the demand needs.
    this.#judgeLeavers(demand, nowMs)
    this.#launch(demand, nowMs)
    if (nowMs >= this.#removals.nextDeadline()) this.#callWanted = true
    if (this.#callWanted && !this.#isCalling) {
      this.#callWanted = false
      this.#isCalling = true
      this.#removals.onCall()
      this.#actions.push({ kind: 'scale' })
    }
    for (const { key, createdMs } of slowLaunches.take(this.#members, nowMs))
      this.#actions.push({ kind: 'launch-slow', launch: key, tookMs: nowMs - createdMs })
    const slowMs = slowLaunches.nextDeadline(this.#members)
    this.#deadlineMs = Math.min(this.#computeDeadline(demand, nowMs), slowMs)
    return this.#actions.splice(0)
  }

  #launch(demand: Demand, nowMs: number): void {
    const { min, max, slots = 0, canLaunch } = this.#options
    const count = this.#members.count()
    if (this.#backoff.isClosed(nowMs)) {
      if (demand.held > 0 && count.starting + count.ready === 0) this.#failHeld(nowMs)
      return
    }
    if (!canLaunch) return
    const isPatient = nowMs < this.#patientUntilMs(demand)
    let launches = Math.max(launchesFor(demand, count, this.#slots || slots, isPatient), min - count.staying)
    // One launch probes whether the app can be started again after a failure.
    if (this.#backoff.failures > 0) launches = Math.min(launches, 1 - count.starting)
    launches = Math.min(launches, max - count.total)
    for (let i = 0; i < launches; i++) {
      const member = this.#members.add(this.#newId(), true, ++this.#copies, nowMs)
      member.deadlineMs = nowMs + this.#options.startTimeoutMs
      this.#actions.push({ kind: 'launching', launch: member.key, copy: member.copy })
      this.#callWanted = true
    }
  }

  /** The patience clock runs from the oldest request, and anew from each instance that became ready. */
  #patientUntilMs(demand: Demand): number {
    return Math.max(demand.oldestSinceMs, this.#lastReadyMs) + this.#options.patienceMs
  }

  #failHeld(nowMs: number): void {
    const problem = this.#lastProblem
    if (problem === null) return
    this.#actions.push({ kind: 'fail-held', problem, retryMs: this.#backoff.remainingMs(nowMs) })
  }

  #judgeLeavers(demand: Demand, nowMs: number): void {
    const { min, canLaunch, leftMs } = this.#options
    const rules = { min, keepsAll: demand.held > 0 || !canLaunch, leaveMs: leftMs }
    for (const { member, go } of this.#leavers.judge(this.#members, rules, nowMs)) {
      this.#actions.push({ kind: 'verdict', member: member.key, go })
      this.#enter(member, go ? 'leaving' : 'ready', nowMs)
    }
  }

  #expire(nowMs: number): void {
    const { canLaunch, leftMs } = this.#options
    for (const member of this.#members) {
      const { deadlineMs } = member
      if (nowMs < deadlineMs) continue
      member.deadlineMs = Number.POSITIVE_INFINITY
      switch (member.phase) {
        case 'asked':
          this.#startFailed(member, member.problem ?? neverConnected(deadlineMs - member.createdMs), nowMs)
          break
        case 'lost':
          // One that was started by hand may come again by hand: that is no failed start.
          if (member.hasServed || !member.launched) this.#giveUp(member, nowMs)
          else this.#startFailed(member, LOST, nowMs)
          break
        case 'gone':
          if (member.instance !== null) this.#remove(member.instance)
          // A call whose answer was lost may have started it: until the platform was seen nobody knows.
          if (canLaunch && isUnseen(member, this.#seenMs)) member.deadlineMs = nowMs + leftMs
          else this.#members.delete(member)
          break
      }
    }
  }

  /** A platform that has not even started it yet (an image to pull) is given as long as for any launch. */
  #giveUp(member: Member, nowMs: number): void {
    this.#enter(member, 'gone', nowMs)
    if (member.instance?.state === 'starting') {
      member.deadlineMs = Math.max(member.deadlineMs, member.createdMs + this.#options.startTimeoutMs)
    }
  }

  #memberObserved(member: Member, instance: Instance, nowMs: number): void {
    const { problem } = instance
    member.instance = instance
    if (problem !== undefined) member.problem = problem
    const hasEnded = instance.state === 'ended'
    if (isStarting(member) && (hasEnded || problem?.final === true)) {
      if (member.phase === 'lost' && member.hasServed) this.#enter(member, 'gone', nowMs)
      else this.#startFailed(member, problem ?? ENDED, nowMs)
    }
    // A connected one tells its own story; the record of one that is gone is of no use any more.
    if (member.phase === 'gone' && (hasEnded || member.hasFailed)) this.#remove(instance)
  }

  /** An instance of an earlier edge: its linker is about to redial, if it has started at all. */
  #adopt(key: string, instance: Instance, nowMs: number): void {
    const member = this.#members.add(key, instance.launch !== undefined, ++this.#copies, nowMs)
    this.#enter(member, 'lost', nowMs)
    member.instance = instance
    // Nothing says that it failed, and it need not be removed to make room.
    member.hasServed = true
    member.deadlineMs = nowMs + this.#options.adoptMs
  }

  #startFailed(member: Member, problem: Problem, nowMs: number): void {
    this.#backoff.failed(nowMs)
    this.#lastProblem = problem
    const retryMs = this.#backoff.remainingMs(nowMs)
    this.#actions.push({ kind: 'launch-failed', launch: member.key, problem, retryMs })
    this.#enter(member, 'gone', nowMs)
    member.hasFailed = true
    // It never served anything, so what the platform has of it goes at once.
    if (member.instance !== null) this.#remove(member.instance)
  }

  #remove(instance: Instance): void {
    if (this.#removals.add(instance)) this.#callWanted = true
  }

  #enter(member: Member, phase: Phase, nowMs: number): void {
    const { lostMs, leftMs } = this.#options
    if (phase === 'ready' && member.phase !== 'asking') this.#lastReadyMs = nowMs
    member.phase = phase
    member.sinceMs = nowMs
    member.deadlineMs =
      phase === 'lost' ? nowMs + lostMs : phase === 'gone' ? nowMs + leftMs : Number.POSITIVE_INFINITY
  }

  #learnSlots(member: Member, slots: number): void {
    member.slots = slots
    if (slots > 0) this.#slots = slots
  }

  #computeDeadline(demand: Demand, nowMs: number): number {
    let deadline = Math.min(this.#removals.nextDeadline(), this.#leavers.nextDeadline(this.#members))
    for (const member of this.#members) deadline = Math.min(deadline, member.deadlineMs)
    const { min, max, canLaunch } = this.#options
    const { total, ready, staying } = this.#members.count()
    if (!canLaunch || total >= max) return deadline
    // Only times to come: what could be done by now has been done.
    if (this.#backoff.isClosed(nowMs)) {
      if (demand.held > 0 || staying < min) deadline = Math.min(deadline, this.#backoff.untilMs)
    } else if (demand.held > 0 && ready > 0) {
      const until = this.#patientUntilMs(demand)
      if (until > nowMs) deadline = Math.min(deadline, until)
    }
    return deadline
  }
}
