import { assert } from '@brxy/protocol'
import type { AppEnd, LifeAction } from './action.ts'
import { Questions } from './questions.ts'
import { Replacement } from './replacement.ts'
import { signalNumber } from './signal.ts'

/** Where an instance is in its life. */
export type LifePhase =
  | 'starting'
  | 'ready'
  | 'leaving'
  | 'draining'
  | 'stopping'
  | 'parked'
  | 'failed'
  | 'done'

export interface LifeOptions {
  readonly startTimeoutMs: number
  readonly idleMs: number
  readonly drainMs: number
  readonly lostMs: number
  /** An instance that is to be replaced and has no successor by then stays. */
  readonly replaceMs: number
  /** Longest wait for an edge that could be told why the application failed. */
  readonly reportMs: number
}

/** Exit codes (CLI.md). */
const CLEAN = 0
const UNAVAILABLE = 69
const TRY_AGAIN = 75
const TOKEN_REFUSED = 77
const NEVER_LISTENED = 124
const SIGNAL_BASE = 128

const SIGNALLED = 'stopped by a signal'
const REPLACED = 'replaced'

const NEVER = Number.POSITIVE_INFINITY

/**
 * The life of one instance: starting, ready, leaving when idle, draining after a signal or when it was replaced,
 * failing. A pure state machine: events come in with the time, actions come out; the last one is 'exit', once. `E`
 * stands for an edge. Where the platform restarts what exits, an instance that leaves is parked instead.
 *
 *         /---------- RECALL ----------- parked
 *        v                                 ^
 *     starting -> ready <-> leaving -> stopping -> done
 *         \          \--> draining --/
 *          \--> failed (reports why) --/
 */
export class Life<E> {
  readonly #options: LifeOptions
  #phase: LifePhase = 'starting'
  /** Requests that the application has, passive ones included: all of them are waited for. */
  #busy = 0
  /** Those among them that are no activity: a probe must not keep alive what nobody uses. */
  #passive = 0
  readonly #questions = new Questions<E>()
  readonly #replacement: Replacement<E>
  /** Edges with a session whose WELCOME says that one that leaves is parked, and does not exit. */
  readonly #parkers = new Set<E>()
  /**
   * Whether there was one at the last WELCOME. One is enough: an edge that does not scale says `exit` until the one that
   * scales has answered it, and the platform would start again what exits.
   */
  #parks = false
  /** The application is being stopped so that the instance can be parked. */
  #isParking = false
  #everConnected = false
  #everServed = false
  #startDeadlineMs: number
  #idleSinceMs = NEVER
  #lostSinceMs: number
  #drainDeadlineMs = NEVER
  #drainReason = ''
  #reportDeadlineMs = NEVER
  #exit = { code: CLEAN, reason: '' }

  constructor(options: LifeOptions, nowMs: number) {
    this.#options = options
    this.#replacement = new Replacement(options.replaceMs)
    this.#startDeadlineMs = nowMs + options.startTimeoutMs
    this.#lostSinceMs = nowMs
  }

  get phase(): LifePhase {
    return this.#phase
  }

  /** Whether requests may be admitted. One that crossed our LEAVE or DRAIN is still welcome while the app runs. */
  get admits(): boolean {
    return this.#phase === 'ready' || this.#phase === 'leaving' || this.#phase === 'draining'
  }

  /**
   * When tick() must be called at the latest. Leaving has no deadline of its own: an edge may let its leavers go one by
   * one, and one that is dead loses its session, which is as good as GO.
   */
  nextDeadline(): number {
    const lostMs =
      this.#questions.edgeCount === 0 && this.#busy === 0 ? this.#lostSinceMs + this.#options.lostMs : NEVER
    switch (this.#phase) {
      case 'starting':
        return Math.min(this.#startDeadlineMs, lostMs)
      case 'ready':
        return Math.min(this.#replacement.deadlineMs, lostMs, this.#idleDeadline())
      case 'draining':
        return this.#drainDeadlineMs
      case 'failed':
        return this.#reportDeadlineMs
      case 'parked':
        return lostMs
      default:
        return NEVER
    }
  }

  tick(nowMs: number): LifeAction<E>[] {
    if (nowMs < this.nextDeadline()) return []
    switch (this.#phase) {
      case 'starting': {
        if (nowMs < this.#startDeadlineMs) return this.#lost()
        const reason = `the application did not listen within ${seconds(this.#options.startTimeoutMs)} s`
        return this.#fail(NEVER_LISTENED, reason, null, nowMs)
      }
      case 'ready':
        if (nowMs >= this.#replacement.deadlineMs) {
          this.#replacement.end()
          return [{ kind: 'kept', reason: `no replacement within ${seconds(this.#options.replaceMs)} s` }]
        }
        return this.#questions.edgeCount > 0 ? this.#leave() : this.#lost()
      case 'parked':
        return this.#lost()
      case 'draining':
        return this.#drained()
      default:
        // 'failed': no edge came that could be told.
        return this.reported()
    }
  }

  /** The application listens. */
  listening(nowMs: number): LifeAction<E>[] {
    if (this.#phase !== 'starting') return []
    this.#phase = 'ready'
    this.#idleSinceMs = nowMs
    return [{ kind: 'announce' }, ...this.#askForSuccessor(nowMs)]
  }

  /** The application ended by itself, or could not be started. */
  appEnded(end: AppEnd, nowMs: number): LifeAction<E>[] {
    if (this.#phase !== 'starting' && !this.admits) return []
    const how = end.signal === null ? `exited with status ${end.code}` : `was ended by ${end.signal}`
    const when = this.#phase === 'starting' ? ' before it listened' : ''
    const code = end.signal === null ? (end.code ?? 1) : SIGNAL_BASE + signalNumber(end.signal)
    const reason = end.reason ?? `the application ${how}${when}`
    return this.#fail(code === CLEAN && !this.#everServed ? TRY_AGAIN : code, reason, end, nowMs)
  }

  /** The report of a failure is out, or cannot be: what is left of the application is stopped. */
  reported(): LifeAction<E>[] {
    return this.#phase === 'failed' ? this.#stop(this.#exit.code, this.#exit.reason) : []
  }

  /**
   * A session is up. While leaving, it is told so.
   * @param parks what its WELCOME says: one that leaves keeps its tunnel, for the platform would start it again
   */
  connected(edge: E, nowMs: number, parks = false): LifeAction<E>[] {
    this.#questions.opened(edge)
    if (this.#phase === 'leaving') this.#questions.ask(edge, 'leave')
    this.#everConnected = true
    if (parks) this.#parkers.add(edge)
    else this.#parkers.delete(edge)
    this.#parks = this.#parkers.size > 0
    if (this.#phase !== 'ready') return []
    // An edge that comes back may have something to do: idleness is counted anew.
    this.#idleSinceMs = nowMs
    return this.#askForSuccessor(nowMs)
  }

  /** A session is over. */
  disconnected(edge: E, nowMs: number): LifeAction<E>[] {
    this.#questions.closed(edge)
    this.#parkers.delete(edge)
    if (this.#questions.edgeCount === 0) this.#lostSinceMs = nowMs
    // An edge that is gone cannot send a request any more: that is as good as GO.
    return this.#goIfAgreed()
  }

  /**
   * Every edge refuses this linker for good: nothing will change by itself. One that was connected before goes on
   * trying, for an edge may have been restarted with another secret by mistake.
   * @param isToken the token is what they refuse
   */
  refused(isToken: boolean, reason: string): LifeAction<E>[] {
    if (this.#everConnected) return []
    if (this.#phase === 'failed') return this.reported()
    if (this.#phase !== 'starting' && this.#phase !== 'ready') return []
    return this.#stop(isToken ? TOKEN_REFUSED : UNAVAILABLE, reason)
  }

  /** A request was admitted. @param isPassive a probe (brxy.v1 OPEN bit 1): served and waited for, but no activity. */
  began(isPassive: boolean): void {
    this.#busy++
    if (isPassive) this.#passive++
    this.#everServed = true
  }

  /** The application is done with a request. @param isPassive as it began */
  ended(isPassive: boolean, nowMs: number): LifeAction<E>[] {
    this.#busy--
    if (isPassive) this.#passive--
    assert(0 <= this.#passive && this.#passive <= this.#busy, 'what ends has begun')
    if (!isPassive) this.#idleSinceMs = nowMs
    if (this.#busy > 0) return []
    if (this.#questions.edgeCount === 0) this.#lostSinceMs = nowMs
    if (this.#phase === 'draining') return this.#drained()
    return this.#goIfAgreed()
  }

  /** An edge's answer to LEAVE or REPLACE. */
  verdict(edge: E, go: boolean, nowMs: number): LifeAction<E>[] {
    const question = this.#questions.answered(edge, go)
    if (question === 'replace') return this.#replaced(edge, go, nowMs)
    if (question === null || (this.#phase !== 'leaving' && this.#phase !== 'ready')) return []
    if (this.#phase === 'ready') return this.#askForSuccessor(nowMs)
    if (go) return this.#goIfAgreed()
    this.#phase = 'ready'
    this.#idleSinceMs = nowMs
    return [{ kind: 'stay' }, ...this.#askForSuccessor(nowMs)]
  }

  /**
   * SIGHUP without a terminal: the instance goes on as before until a successor serves, and leaves then. One that
   * starts, or may be about to leave, asks when it is ready. Asking twice changes nothing.
   */
  replace(nowMs: number): LifeAction<E>[] {
    if (this.#phase !== 'starting' && this.#phase !== 'ready' && this.#phase !== 'leaving') return []
    this.#replacement.want()
    return this.#phase === 'ready' ? this.#askForSuccessor(nowMs) : []
  }

  /** The edge wants a parked instance again. */
  recalled(nowMs: number): LifeAction<E>[] {
    if (this.#phase !== 'parked') return []
    this.#phase = 'starting'
    this.#startDeadlineMs = nowMs + this.#options.startTimeoutMs
    this.#everServed = false
    return [{ kind: 'restart' }]
  }

  /** SIGTERM or SIGINT: no new work, running requests finish. */
  drain(nowMs: number): LifeAction<E>[] {
    switch (this.#phase) {
      case 'starting':
        return this.#stop(CLEAN, SIGNALLED)
      case 'ready':
      case 'leaving':
        return this.#drain(SIGNALLED, nowMs)
      case 'draining':
      case 'stopping':
        // It was to be parked. A signal means the process.
        this.#drainReason = SIGNALLED
        if (this.#isParking) this.#exit = { code: CLEAN, reason: SIGNALLED }
        this.#isParking = false
        return []
      case 'parked':
        return this.#stop(CLEAN, SIGNALLED)
      case 'failed':
        // Nobody waits for an edge against a signal; the status stays the failure's.
        return this.reported()
      default:
        return []
    }
  }

  /** A second signal: at once. @param signal its number. */
  kill(signal: number): LifeAction<E>[] {
    if (this.#phase === 'done') return []
    this.#exit = { code: SIGNAL_BASE + signal, reason: 'stopped by a second signal' }
    this.#phase = 'stopping'
    this.#isParking = false
    return [{ kind: 'stop', kill: true }]
  }

  /** The application is gone, as a stop action asked. */
  appStopped(): LifeAction<E>[] {
    if (this.#phase !== 'stopping') return []
    if (this.#isParking) {
      this.#isParking = false
      this.#phase = 'parked'
      return [{ kind: 'park', reason: this.#exit.reason }]
    }
    this.#phase = 'done'
    return [{ kind: 'exit', ...this.#exit }]
  }

  /** An instance that is to be replaced is not idle: its successor decides. */
  #idleDeadline(): number {
    const isIdle =
      this.#questions.edgeCount > 0 && this.#busy === this.#passive && !this.#replacement.isWanted
    return isIdle ? this.#idleSinceMs + this.#options.idleMs : NEVER
  }

  #leave(): LifeAction<E>[] {
    this.#phase = 'leaving'
    for (const edge of this.#questions.edges) this.#questions.ask(edge, 'leave')
    return [{ kind: 'leave' }]
  }

  /** Nothing runs and no edge can send anything: the instance goes. */
  #goIfAgreed(): LifeAction<E>[] {
    if (this.#phase !== 'leaving' || this.#busy > 0 || !this.#questions.allAgree) return []
    return this.#go('idle')
  }

  /** Asks each edge that may start a successor and has not been asked. One that owes another answer comes after it. */
  #askForSuccessor(nowMs: number): LifeAction<E>[] {
    const actions: LifeAction<E>[] = []
    this.#replacement.begin(nowMs)
    for (const edge of this.#questions.edges) {
      if (!this.#replacement.awaits(edge) || this.#questions.isAsked(edge)) continue
      this.#questions.ask(edge, 'replace')
      actions.push({ kind: 'replace', edge })
    }
    return actions
  }

  /** GO counts however late it comes: the successor is there. */
  #replaced(edge: E, go: boolean, nowMs: number): LifeAction<E>[] {
    if (this.#phase !== 'ready') return []
    if (go) return this.#drain(REPLACED, nowMs)
    if (!this.#replacement.declined(edge)) return []
    return [{ kind: 'kept', reason: 'no edge starts a replacement; the log of the edge says why' }]
  }

  #drain(reason: string, nowMs: number): LifeAction<E>[] {
    this.#phase = 'draining'
    this.#drainDeadlineMs = nowMs + this.#options.drainMs
    this.#drainReason = reason
    this.#replacement.end()
    return this.#busy === 0 ? [{ kind: 'drain', reason }, ...this.#drained()] : [{ kind: 'drain', reason }]
  }

  #drained(): LifeAction<E>[] {
    const reason = this.#drainReason
    return reason === SIGNALLED ? this.#stop(CLEAN, reason) : this.#go(reason)
  }

  /** It leaves because the edges agreed. */
  #go(reason: string): LifeAction<E>[] {
    this.#isParking = this.#parks
    return this.#stop(CLEAN, reason)
  }

  #lost(): LifeAction<E>[] {
    return this.#stop(this.#everConnected ? CLEAN : UNAVAILABLE, 'no edge could be reached')
  }

  #stop(code: number, reason: string): LifeAction<E>[] {
    this.#phase = 'stopping'
    this.#replacement.end()
    this.#exit = { code, reason }
    return [{ kind: 'stop', kill: false }]
  }

  #fail(code: number, reason: string, end: AppEnd | null, nowMs: number): LifeAction<E>[] {
    this.#phase = 'failed'
    this.#replacement.end()
    this.#exit = { code, reason }
    this.#reportDeadlineMs = nowMs + this.#options.reportMs
    return [{ kind: 'report', reason, end }]
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
