/** How long the kit waits, in milliseconds. */
export interface Times {
  /** Longest wait for something that must happen on the platform (30 s). */
  readonly patienceMs: number
  /** Longest time until a problem is reported (10 s, the contract's). */
  readonly problemMs: number
  /** How long it is watched that something does not happen: that an ended instance is not restarted (30 s). */
  readonly watchMs: number
  /** The same for what would happen at once: that nothing is removed (2 s). */
  readonly settleMs: number
  /** From an aborted signal to the end of the call (2 s). */
  readonly abortMs: number
  /** Between two looks (100 ms). */
  readonly pollMs: number
}

export const TIMES: Times = {
  patienceMs: 30_000,
  problemMs: 10_000,
  watchMs: 30_000,
  settleMs: 2_000,
  abortMs: 2_000,
  pollMs: 100,
}

/** Longest call to an adapter: the edge's bound. */
export const CALL_MS = 30_000

/** Longest case: several waits, each of which says what it waited for; this one only ends what hangs elsewhere. */
export function caseMs({ patienceMs, watchMs }: Times): number {
  return 6 * patienceMs + 2 * watchMs + CALL_MS
}
