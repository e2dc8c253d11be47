import type { Instance, Problem } from '@brxy/scaler'
import { Backoff } from './backoff.ts'
import { type Member, Members, type Phase } from './members.ts'
import { Removals } from './removals.ts'
import type { ScaleAction } from './scale-action.ts'
import type { ScaleOptions } from './scale-options.ts'
import { Strays } from './strays.ts'

/**
 * What the rules of scaling share: the members of one app, what its platform must not have, the pause after failures, and
 * the few ways in which all of them change. It has no rule of its own.
 */
export class Fleet {
  options: ScaleOptions
  readonly members = new Members()
  readonly removals = new Removals()
  readonly strays = new Strays()
  readonly backoff: Backoff
  /** What is to be done, in order; step() hands it out. */
  readonly actions: ScaleAction[] = []
  /** The platform is to hear of the target, as soon as no call is out. */
  isCallWanted = false
  /** S: slots an instance of this app has; 0 until one said so: until then options.slots is. */
  slots = 0
  /** When an instance became ready last. */
  lastReadyMs = Number.NEGATIVE_INFINITY
  /** When one whose session was lost came back last. */
  lastReturnMs = Number.NEGATIVE_INFINITY
  /** The platform could not be seen: what `min` asks for may be there already, and is on its way back until then. */
  blindUntilMs = Number.NEGATIVE_INFINITY
  /** Why the last start failed; null once an instance has served since. */
  lastProblem: Problem | null = null
  /**
   * Counted: a replica has failed to start, and no instance has served since. A replica that appears unasked is then the
   * platform's next try (`Member.isRetry`).
   */
  hasReplicaFailed = false
  /** When the platform was last seen. */
  seenMs = Number.NEGATIVE_INFINITY
  readonly #newId: () => string
  #copies = 0

  /** @param newId makes the ids of launches, never the same twice. */
  constructor(options: ScaleOptions, newId: () => string) {
    this.options = options
    this.backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs)
    this.#newId = newId
  }

  /** One that connected, or that an earlier edge left. @param launched whether an edge launched it */
  meet(key: string, launched: boolean, nowMs: number): Member {
    return this.members.add(key, launched, ++this.#copies, nowMs)
  }

  /** One more is in the next target. @param replaces whose successor it is */
  launch(nowMs: number, replaces: Member | null = null): Member {
    const member = this.meet(this.#newId(), true, nowMs)
    member.deadlineMs = nowMs + this.options.startTimeoutMs
    this.actions.push({
      kind: 'launching',
      launch: member.key,
      copy: member.copy,
      replaces: replaces?.copy ?? null,
    })
    this.isCallWanted = true
    return member
  }

  enter(member: Member, phase: Phase, nowMs: number): void {
    const { lostMs, leftMs } = this.options
    if (phase === 'ready' && member.phase !== 'asking') this.lastReadyMs = nowMs
    if (member.phase === 'lost' && (phase === 'starting' || phase === 'ready')) this.lastReturnMs = nowMs
    if (phase === 'lost') member.awaitedMs = lostMs
    member.phase = phase
    member.sinceMs = nowMs
    member.deadlineMs =
      phase === 'lost' ? nowMs + lostMs : phase === 'gone' ? nowMs + leftMs : Number.POSITIVE_INFINITY
  }

  /** Its application is being started: what an earlier one did proves nothing about this one. */
  begin(member: Member, nowMs: number): void {
    member.hasServed = false
    member.hasGranted = false
    member.removal = 'none'
    this.enter(member, 'starting', nowMs)
  }

  learnSlots(member: Member, slots: number): void {
    member.slots = slots
    if (slots > 0) this.slots = slots
  }

  /** The app can be started after all. */
  succeeded(): void {
    this.backoff.succeeded()
    this.lastProblem = null
    this.hasReplicaFailed = false
  }

  startFailed(member: Member, problem: Problem, nowMs: number): void {
    this.backoff.failed(nowMs)
    this.lastProblem = problem
    const retryMs = this.backoff.remainingMs(nowMs)
    this.actions.push({ kind: 'launch-failed', launch: member.key, problem, retryMs })
    this.enter(member, 'gone', nowMs)
    member.hasFailed = true
    // It never served anything, so what the platform has of it goes at once.
    if (member.instance === null) return
    if (this.options.isCounted) this.hasReplicaFailed = true
    this.remove(member.instance)
  }

  /** The platform must not have it. */
  remove(instance: Instance): void {
    if (this.removals.add(instance)) this.isCallWanted = true
  }
}
