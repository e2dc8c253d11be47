import { assert } from '@brxy/protocol'
import { signalNumber } from './signal.ts'

/** Where an instance is in its life. */
export type LifePhase = 'starting' | 'ready' | 'leaving' | 'draining' | 'stopping' | 'failed' | 'done'

export interface LifeOptions {
  readonly startTimeoutMs: number
  readonly idleMs: number
  readonly drainMs: number
  readonly lostMs: number
  /** Longest wait for an edge that could be told why the application failed. */
  readonly reportMs: number
}

/** How an application ended by itself. */
export interface AppEnd {
  readonly code: number | null
  readonly signal: string | null
  /** What to say of it instead of the status: why it could not be started at all. */
  readonly reason?: string
}

/** What is to be done. */
export type LifeAction =
  /** Tell the edges STATUS ready, and lend slots. */
  | { readonly kind: 'announce' }
  /** Lend no more, and tell the edges STATUS failed; say reported() when one has been told. */
  | { readonly kind: 'report'; readonly reason: string; readonly end: AppEnd | null }
  /** Lend no more and say LEAVE; verdicts follow. */
  | { readonly kind: 'leave' }
  /** The edge wants the instance to stay: lend again. */
  | { readonly kind: 'stay' }
  /** Lend no more and say DRAIN. */
  | { readonly kind: 'drain' }
  /** Stop the application; say appStopped() when it is gone. */
  | { readonly kind: 'stop'; readonly kill: boolean }
  /** End the sessions and the process. */
  | { readonly kind: 'exit'; readonly code: number; readonly reason: string }

/** Exit codes (CLI.md). */
const CLEAN = 0
const UNAVAILABLE = 69
const TRY_AGAIN = 75
const TOKEN_REFUSED = 77
const NEVER_LISTENED = 124
const SIGNAL_BASE = 128

const NEVER = Number.POSITIVE_INFINITY

/** What LEAVE means to one edge. */
interface Verdicts {
  /** LEAVEs it has not answered. More than one when the instance stayed because another edge wanted it. */
  unanswered: number
  /** It said GO to the last one. */
  agreed: boolean
}

/**
 * The life of one instance: starting, ready, leaving when idle, draining after a signal, failing. A pure state
 * machine: events come in with the time, actions come out; the last one is 'exit', once. `E` stands for an edge.
 *
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
  /** Those with a session. */
  readonly #edges = new Map<E, Verdicts>()
  #everConnected = false
  #everServed = false
  readonly #startDeadlineMs: number
  #idleSinceMs = NEVER
  #lostSinceMs: number
  #drainDeadlineMs = NEVER
  #reportDeadlineMs = NEVER
  #exit = { code: CLEAN, reason: '' }

  constructor(options: LifeOptions, nowMs: number) {
    this.#options = options
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
      this.#edges.size === 0 && this.#busy === 0 ? this.#lostSinceMs + this.#options.lostMs : NEVER
    switch (this.#phase) {
      case 'starting':
        return Math.min(this.#startDeadlineMs, lostMs)
      case 'ready':
        if (this.#edges.size === 0) return lostMs
        return this.#busy > this.#passive ? NEVER : this.#idleSinceMs + this.#options.idleMs
      case 'draining':
        return this.#drainDeadlineMs
      case 'failed':
        return this.#reportDeadlineMs
      default:
        return NEVER
    }
  }

  tick(nowMs: number): LifeAction[] {
    if (nowMs < this.nextDeadline()) return []
    switch (this.#phase) {
      case 'starting': {
        if (nowMs < this.#startDeadlineMs) return this.#lost()
        const seconds = Math.round(this.#options.startTimeoutMs / 100) / 10
        return this.#fail(NEVER_LISTENED, `the application did not listen within ${seconds} s`, null, nowMs)
      }
      case 'ready':
        return this.#edges.size > 0 ? this.#leave() : this.#lost()
      case 'draining':
        return this.#stop(CLEAN, 'stopped by a signal')
      default:
        // 'failed': no edge came that could be told.
        return this.reported()
    }
  }

  /** The application listens. */
  listening(nowMs: number): LifeAction[] {
    if (this.#phase !== 'starting') return []
    this.#phase = 'ready'
    this.#idleSinceMs = nowMs
    return [{ kind: 'announce' }]
  }

  /** The application ended by itself, or could not be started. */
  appEnded(end: AppEnd, nowMs: number): LifeAction[] {
    if (this.#phase === 'stopping' || this.#phase === 'failed' || this.#phase === 'done') return []
    const how = end.signal === null ? `exited with status ${end.code}` : `was ended by ${end.signal}`
    const when = this.#phase === 'starting' ? ' before it listened' : ''
    const code = end.signal === null ? (end.code ?? 1) : SIGNAL_BASE + signalNumber(end.signal)
    const reason = end.reason ?? `the application ${how}${when}`
    return this.#fail(code === CLEAN && !this.#everServed ? TRY_AGAIN : code, reason, end, nowMs)
  }

  /** The report of a failure is out, or cannot be: what is left of the application is stopped. */
  reported(): LifeAction[] {
    return this.#phase === 'failed' ? this.#stop(this.#exit.code, this.#exit.reason) : []
  }

  /** A session is up. While leaving, it is told so. */
  connected(edge: E, nowMs: number): LifeAction[] {
    this.#edges.set(edge, { unanswered: this.#phase === 'leaving' ? 1 : 0, agreed: false })
    this.#everConnected = true
    // An edge that comes back may have something to do: idleness is counted anew.
    if (this.#phase === 'ready') this.#idleSinceMs = nowMs
    return []
  }

  /** A session is over. */
  disconnected(edge: E, nowMs: number): LifeAction[] {
    this.#edges.delete(edge)
    if (this.#edges.size === 0) this.#lostSinceMs = nowMs
    // An edge that is gone cannot send a request any more: that is as good as GO.
    return this.#goIfAgreed()
  }

  /**
   * Every edge refuses this linker for good: nothing will change by itself. One that was connected before goes on
   * trying, for an edge may have been restarted with another secret by mistake.
   * @param isToken the token is what they refuse
   */
  refused(isToken: boolean, reason: string): LifeAction[] {
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
  ended(isPassive: boolean, nowMs: number): LifeAction[] {
    this.#busy--
    if (isPassive) this.#passive--
    assert(0 <= this.#passive && this.#passive <= this.#busy, 'what ends has begun')
    if (!isPassive) this.#idleSinceMs = nowMs
    if (this.#busy > 0) return []
    if (this.#edges.size === 0) this.#lostSinceMs = nowMs
    if (this.#phase === 'draining') return this.#stop(CLEAN, 'stopped by a signal')
    return this.#goIfAgreed()
  }

  /** An edge's answer to LEAVE. */
  verdict(edge: E, go: boolean, nowMs: number): LifeAction[] {
    const verdicts = this.#edges.get(edge)
    if (verdicts === undefined || verdicts.unanswered === 0) return []
    // To an earlier LEAVE: since then the instance was lent, so that only the answer to the last one counts.
    if (--verdicts.unanswered > 0 || this.#phase !== 'leaving') return []
    verdicts.agreed = go
    if (go) return this.#goIfAgreed()
    this.#phase = 'ready'
    this.#idleSinceMs = nowMs
    return [{ kind: 'stay' }]
  }

  /** SIGTERM or SIGINT: no new work, running requests finish. */
  drain(nowMs: number): LifeAction[] {
    switch (this.#phase) {
      case 'starting':
        return this.#stop(CLEAN, 'stopped by a signal')
      case 'ready':
      case 'leaving':
        this.#phase = 'draining'
        this.#drainDeadlineMs = nowMs + this.#options.drainMs
        if (this.#busy === 0) return [{ kind: 'drain' }, ...this.#stop(CLEAN, 'stopped by a signal')]
        return [{ kind: 'drain' }]
      case 'failed':
        // Nobody waits for an edge against a signal; the status stays the failure's.
        return this.reported()
      default:
        return []
    }
  }

  /** A second signal: at once. @param signal its number. */
  kill(signal: number): LifeAction[] {
    if (this.#phase === 'done') return []
    this.#exit = { code: SIGNAL_BASE + signal, reason: 'stopped by a second signal' }
    this.#phase = 'stopping'
    return [{ kind: 'stop', kill: true }]
  }

  /** The application is gone, as a stop action asked. */
  appStopped(): LifeAction[] {
    if (this.#phase !== 'stopping') return []
    this.#phase = 'done'
    return [{ kind: 'exit', ...this.#exit }]
  }

  #leave(): LifeAction[] {
    this.#phase = 'leaving'
    for (const verdicts of this.#edges.values()) {
      verdicts.unanswered++
      verdicts.agreed = false
    }
    return [{ kind: 'leave' }]
  }

  /** Nothing runs and no edge can send anything: the instance goes. */
  #goIfAgreed(): LifeAction[] {
    if (this.#phase !== 'leaving' || this.#busy > 0) return []
    for (const { agreed } of this.#edges.values()) if (!agreed) return []
    return this.#stop(CLEAN, 'idle')
  }

  #lost(): LifeAction[] {
    return this.#stop(this.#everConnected ? CLEAN : UNAVAILABLE, 'no edge could be reached')
  }

  #stop(code: number, reason: string): LifeAction[] {
    this.#phase = 'stopping'
    this.#exit = { code, reason }
    return [{ kind: 'stop', kill: false }]
  }

  #fail(code: number, reason: string, end: AppEnd | null, nowMs: number): LifeAction[] {
    this.#phase = 'failed'
    this.#exit = { code, reason }
    this.#reportDeadlineMs = nowMs + this.#options.reportMs
    return [{ kind: 'report', reason, end }]
  }
}
