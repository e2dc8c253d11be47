/** Where an instance is in its life. */
export type LifePhase = 'starting' | 'ready' | 'leaving' | 'draining' | 'stopping' | 'failed' | 'done'

export interface LifeOptions {
  readonly startTimeoutMs: number
  readonly idleMs: number
  readonly drainMs: number
  readonly lostMs: number
  /** Longest wait for an edge that could be told why the application failed. */
  readonly reportMs: number
  /** false: the application runs elsewhere and is neither started nor stopped. */
  readonly ownsApp: boolean
}

/** How an application ended by itself. */
export interface AppEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** What is to be done. */
export type LifeAction =
  /** Tell the edges STATUS ready, and lend slots. */
  | { readonly kind: 'announce' }
  /** Tell the edges STATUS failed; say reported() when it is out. */
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

/**
 * The life of one instance: starting, ready, leaving when idle, draining after a signal, failing. A pure state
 * machine: events come in with the time, actions come out.
 *
 *     starting -> ready <-> leaving -> stopping -> done
 *         \          \--> draining --/
 *          \--> failed (reports why) -----------> done
 */
export class Life {
  readonly #options: LifeOptions
  #phase: LifePhase = 'starting'
  #busy = 0
  #edges = 0
  #everConnected = false
  #everServed = false
  #startDeadlineMs: number
  #idleSinceMs = Number.POSITIVE_INFINITY
  #lostSinceMs: number
  #drainDeadlineMs = Number.POSITIVE_INFINITY
  #reportDeadlineMs = Number.POSITIVE_INFINITY
  /** Edges whose verdict is awaited. */
  #verdicts = 0
  #failure: { code: number; reason: string } | null = null
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

  nextDeadline(): number {
    const { idleMs, lostMs } = this.#options
    switch (this.#phase) {
      case 'starting':
        return this.#startDeadlineMs
      case 'ready':
        return Math.min(
          this.#edges > 0 && this.#busy === 0 ? this.#idleSinceMs + idleMs : Number.POSITIVE_INFINITY,
          this.#edges === 0 && this.#busy === 0 ? this.#lostSinceMs + lostMs : Number.POSITIVE_INFINITY,
        )
      case 'draining':
        return this.#drainDeadlineMs
      case 'failed':
        return this.#reportDeadlineMs
      default:
        return Number.POSITIVE_INFINITY
    }
  }

  tick(nowMs: number): LifeAction[] {
    if (nowMs < this.nextDeadline()) return []
    switch (this.#phase) {
      case 'starting': {
        const seconds = Math.round(this.#options.startTimeoutMs / 100) / 10
        return this.#fail(NEVER_LISTENED, `the application did not listen within ${seconds} s`, null, nowMs)
      }
      case 'ready':
        if (this.#edges > 0) return this.#leave()
        return this.#stop(this.#everConnected ? CLEAN : UNAVAILABLE, 'no edge could be reached')
      case 'draining':
        return this.#stop(CLEAN, 'stopped by a signal')
      case 'failed':
        return this.#exitNow()
      default:
        return []
    }
  }

  /** The application listens. */
  listening(nowMs: number): LifeAction[] {
    if (this.#phase !== 'starting') return []
    this.#phase = 'ready'
    this.#idleSinceMs = nowMs
    return [{ kind: 'announce' }]
  }

  /** The application ended by itself, or could not be started (`code` 126 or 127 with a reason). */
  appEnded(end: AppEnd, nowMs: number, reason?: string): LifeAction[] {
    if (this.#phase === 'stopping' || this.#phase === 'failed' || this.#phase === 'done') return []
    const how =
      reason ??
      `the application ${end.signal === null ? `exited with status ${end.code}` : `was ended by ${end.signal}`}`
    const code = end.signal !== null ? SIGNAL_BASE + signalNumber(end.signal) : (end.code ?? 1)
    const when = this.#phase === 'starting' ? `${how} before it listened` : how
    return this.#fail(code === 0 && !this.#everServed ? TRY_AGAIN : code, reason ?? when, end, nowMs)
  }

  /** The report of a failure is out. */
  reported(): LifeAction[] {
    return this.#phase === 'failed' ? this.#exitNow() : []
  }

  /** A session is up. */
  connected(nowMs: number): LifeAction[] {
    this.#edges++
    this.#everConnected = true
    // An edge that comes back may have something to do: idleness is counted anew.
    this.#idleSinceMs = Math.max(this.#idleSinceMs, nowMs)
    if (this.#phase === 'leaving') this.#verdicts++
    return []
  }

  /** A session is over. */
  disconnected(nowMs: number): LifeAction[] {
    this.#edges--
    if (this.#edges === 0) this.#lostSinceMs = nowMs
    // An edge that is gone cannot send a request any more: that is as good as GO.
    return this.#phase === 'leaving' ? this.verdict(true, nowMs) : []
  }

  /** The edge refuses this linker for good, and none was ever connected: nothing will change by itself. */
  refused(reason: string): LifeAction[] {
    if (this.#everConnected || this.#phase === 'stopping' || this.#phase === 'done') return []
    return this.#stop(TOKEN_REFUSED, reason)
  }

  /** The number of requests that the application has changed. */
  busyChanged(busy: number, nowMs: number): LifeAction[] {
    const wasBusy = this.#busy > 0
    this.#busy = busy
    if (busy > 0) this.#everServed = true
    if (busy > 0 || !wasBusy) return []
    this.#idleSinceMs = nowMs
    if (this.#edges === 0) this.#lostSinceMs = nowMs
    if (this.#phase === 'draining') return this.#stop(CLEAN, 'stopped by a signal')
    if (this.#phase === 'leaving' && this.#verdicts === 0) return this.#stop(CLEAN, 'idle')
    return []
  }

  /** An edge's answer to LEAVE. */
  verdict(go: boolean, nowMs: number): LifeAction[] {
    if (this.#phase !== 'leaving') return []
    if (!go) {
      this.#phase = 'ready'
      this.#idleSinceMs = nowMs
      return [{ kind: 'stay' }]
    }
    this.#verdicts--
    if (this.#verdicts > 0 || this.#busy > 0) return []
    return this.#stop(CLEAN, 'idle')
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
    this.#verdicts = this.#edges
    return [{ kind: 'leave' }]
  }

  #stop(code: number, reason: string): LifeAction[] {
    this.#phase = 'stopping'
    this.#exit = { code, reason }
    return [{ kind: 'stop', kill: false }]
  }

  #fail(code: number, reason: string, end: AppEnd | null, nowMs: number): LifeAction[] {
    this.#phase = 'failed'
    this.#failure = { code, reason }
    this.#reportDeadlineMs = nowMs + this.#options.reportMs
    return [{ kind: 'report', reason, end }]
  }

  /** Whatever is left of the application is stopped, then the failure's status is the linker's. */
  #exitNow(): LifeAction[] {
    const { code, reason } = this.#failure ?? { code: 1, reason: 'failed' }
    return this.#stop(code, reason)
  }
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
}

/** 128 + n is what a shell makes of a signal; an unknown one counts as 0. */
export function signalNumber(name: string): number {
  return SIGNALS[name] ?? 0
}
