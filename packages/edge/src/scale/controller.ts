import type { Instance, Problem, Target } from '@brxy/scaler'
import { Calls } from './calls.ts'
import { expire, nextExpiry } from './expiry.ts'
import { Fleet } from './fleet.ts'
import { keyOfLinker, knownKeyOf, type LinkerIdentity, pairLinker } from './identity.ts'
import { isHopeless, launch, nextLaunch } from './launching.ts'
import { Leavers } from './leavers.ts'
import type { Member, Phase } from './members.ts'
import { observe } from './observation.ts'
import { park, startAgain } from './parking.ts'
import { Replacements } from './replacements.ts'
import type { ScaleAction } from './scale-action.ts'
import type { ScaleOptions } from './scale-options.ts'
import { slowLaunches } from './slow-launches.ts'
import type { Demand } from './sum.ts'

/** Where a member is of which the platform may soon say something new. */
const CHANGING: ReadonlySet<Phase> = new Set(['asked', 'parked', 'gone'])

/**
 * How many instances one app should have, and which (DESIGN section 7). A pure state machine: events come in by
 * the methods, step() says what to do about them, nextDeadline() when to step again. Each rule is a file beside this one:
 *
 * | file | rule |
 * |---|---|
 * | `members.ts` | where an instance is in its life |
 * | `sum.ts`, `launching.ts` | how many are launched, and when |
 * | `backoff.ts` | the pause after a failed start |
 * | `expiry.ts` | launches that do not connect, sessions that are lost |
 * | `observation.ts` | what the platform's list means |
 * | `strays.ts` | launches that appear on the platform, and nobody here knows |
 * | `identity.ts` | which launch a linker, or what is listed, stands for |
 * | `leavers.ts` | who may leave |
 * | `replacements.ts` | who gets a successor first (REPLACE) |
 * | `parking.ts` | what waits to be removed, and is recalled instead of a launch |
 * | `serving-order.ts` | who is served first, and leaves last |
 * | `calls.ts`, `removals.ts` | what the platform is told |
 */
export class ScaleController {
  readonly #fleet: Fleet
  readonly #calls: Calls
  readonly #leavers = new Leavers()
  readonly #replacements: Replacements
  #deadlineMs = Number.POSITIVE_INFINITY

  /** @param newId makes the ids of launches, never the same twice. */
  constructor(options: ScaleOptions, newId: () => string) {
    this.#fleet = new Fleet(options, newId)
    this.#calls = new Calls(this.#fleet)
    this.#replacements = new Replacements(this.#fleet)
  }

  /** In launch order. */
  get members(): Iterable<Member> {
    return this.#fleet.members
  }

  member(key: string): Member | undefined {
    return this.#fleet.members.get(key)
  }

  /** Whether the platform may soon say something new of a member. */
  get isChanging(): boolean {
    for (const { phase } of this.#fleet.members) if (CHANGING.has(phase)) return true
    return false
  }

  /** Nothing runs, starts or waits to be removed. */
  get isEmpty(): boolean {
    for (const _ of this.#fleet.members) return false
    return this.#fleet.removals.size === 0 && !this.#calls.isOut
  }

  /** Why the last start failed; null once an instance has served since. */
  failure(nowMs: number): { code: Problem['code']; message: string; retryMs: number } | null {
    const { lastProblem, backoff } = this.#fleet
    return (
      lastProblem && {
        code: lastProblem.code,
        message: lastProblem.message,
        retryMs: Math.round(backoff.remainingMs(nowMs)),
      }
    )
  }

  /** Nobody can serve soon but by a new launch: for what is held during the pause after a failure that is too late. */
  get isHopeless(): boolean {
    return isHopeless(this.#fleet)
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
    this.#fleet.options = options
    this.#fleet.backoff.configure(options.backoffMinMs, options.backoffMaxMs)
    this.#deadlineMs = nowMs
  }

  /** Another `min`, for the hours in which an app is kept warm (KeepWarm). Call step() afterwards. */
  setMin(min: number): void {
    this.#fleet.options = { ...this.#fleet.options, min }
  }

  // --- events of sessions; `key` is the launch id, or the instance id of one that was started by hand ---

  /** Of a linker that says HELLO. The same until something else happens. */
  keyOf(linker: LinkerIdentity): string {
    return keyOfLinker(this.#fleet, linker)
  }

  /** Of a linker that is on its way out, which was launched for nothing that is still to come. @returns null: not known */
  knownKeyOf(linker: LinkerIdentity): string | null {
    return knownKeyOf(this.#fleet, linker)
  }

  /** A linker said HELLO. @param linker as it names itself @returns its member. */
  joined(
    key: string,
    launched: boolean,
    phase: 'starting' | 'ready' | 'parked',
    slots: number,
    nowMs: number,
    linker?: LinkerIdentity,
  ): Member {
    const fleet = this.#fleet
    // Where replicas are counted no launch has a name: one that a linker says comes from an environment that was copied.
    const isOurs = fleet.options.isCounted && linker ? linker.platform !== undefined : launched
    const member = fleet.members.get(key) ?? fleet.meet(key, isOurs, nowMs)
    if (linker !== undefined) pairLinker(fleet, member, linker)
    member.isRetry = false
    // It may have been forgotten when its removal was asked for, and be new here: that removal is of this one.
    member.instance ??= fleet.removals.of(key, member.platform)
    member.hasFailed = false
    fleet.learnSlots(member, slots)
    if (phase === 'parked') park(fleet, member, nowMs)
    else this.#welcomed(member, phase, nowMs)
    return member
  }

  /** It lives, whatever was thought of it: one that was given up and connected before it was removed is kept. */
  #welcomed(member: Member, phase: 'starting' | 'ready', nowMs: number): void {
    const { instance } = member
    if (instance !== null) this.#fleet.removals.cancel(instance.id)
    member.removal = 'none'
    if (phase === 'starting') this.#fleet.begin(member, nowMs)
    else this.#fleet.enter(member, phase, nowMs)
  }

  /** Its application listens. */
  readied(key: string, slots: number, nowMs: number): void {
    const member = this.member(key)
    if (member === undefined) return
    this.#fleet.learnSlots(member, slots)
    const { phase } = member
    if (phase !== 'starting' && phase !== 'parked' && phase !== 'gone') return
    member.hasFailed = false
    this.#welcomed(member, 'ready', nowMs)
  }

  /** Its application is stopped, and starts again when it is recalled. */
  parked(key: string, nowMs: number): void {
    const member = this.member(key)
    if (member === undefined || member.phase === 'gone') return
    this.#replacements.forget(member)
    park(this.#fleet, member, nowMs)
  }

  /** It was parked and starts its application, perhaps because another edge has recalled it. */
  restarted(key: string, nowMs: number): void {
    const member = this.member(key)
    if (member?.phase === 'parked') startAgain(this.#fleet, member, nowMs)
  }

  /** It has lent its first slot of this session. */
  granted(key: string): void {
    const member = this.member(key)
    if (member !== undefined) member.hasGranted = true
  }

  /** It completed a response: the app can be started. */
  served(key: string): void {
    const member = this.member(key)
    if (member !== undefined) member.hasServed = true
    this.#fleet.succeeded()
  }

  /** It wants to leave; a verdict follows. @param dispatched requests it has been given since it connected. */
  leaveAsked(key: string, dispatched: number, nowMs: number): void {
    const member = this.member(key)
    if (member === undefined) return
    // GO was on its way already: whichever question it answered, this is the answer to the other.
    if (member.phase === 'leaving' && member.isReplaced) this.#verdict(member, true)
    if (member.phase !== 'ready') return
    this.#replacements.withdraw(member)
    member.dispatched = dispatched
    this.#fleet.enter(member, 'asking', nowMs)
  }

  /** It wants to leave as soon as a successor serves; a verdict follows. */
  replaceAsked(key: string): void {
    const member = this.member(key)
    if (member !== undefined) this.#replacements.ask(member)
  }

  /** It drains (a signal): it takes no more and will go. */
  draining(key: string, nowMs: number): void {
    const member = this.member(key)
    if (member === undefined || member.phase === 'gone') return
    this.#replacements.forget(member)
    this.#fleet.enter(member, 'leaving', nowMs)
  }

  /** Its application failed; the linker said why. */
  failed(key: string, problem: Problem, nowMs: number): void {
    const member = this.member(key)
    if (member === undefined || member.phase === 'gone') return
    this.#replacements.forget(member)
    if (member.hasServed) this.#fleet.enter(member, 'gone', nowMs)
    else this.#fleet.startFailed(member, problem, nowMs)
  }

  /**
   * Its session ended, and what was asked in it (brxy.v1): in the next one an answer would be that to another question.
   * @param left it had said goodbye @param goesOn it has a session at another edge, or a newer one here, so it is not lost
   */
  ended(key: string, left: boolean, nowMs: number, goesOn = false): void {
    const member = this.member(key)
    if (member === undefined || member.phase === 'gone') return
    this.#replacements.forget(member)
    if (goesOn) return
    const isOver = left || member.phase === 'leaving' || member.phase === 'parked'
    this.#fleet.enter(member, isOver ? 'gone' : 'lost', nowMs)
  }

  // --- events of the scaler ---

  /** What the scaler sees. `adopt`: the first look, whose instances are those of an earlier edge. */
  observed(instances: readonly Instance[], nowMs: number, adopt = false): void {
    observe(this.#fleet, instances, adopt, nowMs)
  }

  /**
   * The first look failed. What `min` asks for may be there, and on its way back to this edge: until it can be, only what is
   * held has something launched.
   */
  unobserved(nowMs: number): void {
    this.#fleet.blindUntilMs = nowMs + this.#fleet.options.adoptMs
  }

  /** The call that a 'scale' action asked for has ended. */
  callEnded(problem: Problem | null, nowMs: number): void {
    this.#calls.ended(problem, nowMs)
  }

  /** What the scaler is to bring about. To be asked when the call begins, once for each 'scale'. */
  target(): Target {
    return this.#calls.target()
  }

  /** Says what to do now. Call it after each event, when demand rises, and at nextDeadline(). */
  step(demand: Demand, nowMs: number): ScaleAction[] {
    const fleet = this.#fleet
    const { members, actions } = fleet
    const replacements = this.#replacements
    expire(fleet, nowMs)
    replacements.step(nowMs)
    // First, for those that are told to stay may be what the demand needs.
    this.#judgeLeavers(demand, nowMs)
    launch(fleet, demand, replacements.surplus, nowMs)
    this.#calls.begin(nowMs)
    for (const { key, createdMs } of slowLaunches.take(members, nowMs))
      actions.push({ kind: 'launch-slow', launch: key, tookMs: nowMs - createdMs })
    this.#deadlineMs = Math.min(
      nextExpiry(fleet),
      nextLaunch(fleet, demand, replacements.surplus, nowMs),
      replacements.nextDeadline(),
      fleet.removals.nextDeadline(),
      this.#leavers.nextDeadline(members),
      slowLaunches.nextDeadline(members),
    )
    return actions.splice(0)
  }

  #judgeLeavers(demand: Demand, nowMs: number): void {
    const { members, options } = this.#fleet
    const { min, canLaunch, leftMs } = options
    const rules = { min, keepsAll: demand.held > 0 || !canLaunch, leaveMs: leftMs }
    for (const { member, go } of this.#leavers.judge(members, rules, nowMs)) {
      this.#verdict(member, go)
      this.#fleet.enter(member, go ? 'leaving' : 'ready', nowMs)
    }
  }

  #verdict(member: Member, go: boolean): void {
    this.#fleet.actions.push({ kind: 'verdict', member: member.key, go, on: 'leave' })
  }
}
