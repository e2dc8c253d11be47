import type { ExchangeDeadlines } from './exchange-deadlines.ts'
import type { HttpClient } from './http-client.ts'

/*
 * An exchange reads its client's body or does not, and what it waits for depends on that: these keep the client's input,
 * the deadlines, and the time at which the client wakes the exchange in step.
 */

/** Keeps the client from sending more of its body; that time does not count. */
export function pauseReading(client: HttpClient, deadlines: ExchangeDeadlines, nowMs: number): void {
  deadlines.paused(nowMs)
  client.pauseInput()
  client.wakeAt(deadlines.dueMs)
}

/** More of the body is wanted. */
export function resumeReading(client: HttpClient, deadlines: ExchangeDeadlines, nowMs: number): void {
  deadlines.resumed(nowMs)
  client.wakeAt(deadlines.dueMs)
  // Last, for what waited there comes now.
  client.resumeInput()
}

/**
 * The request waits, for a grant or for its linker. Its client is read on within the bounds of a held request, or nothing
 * would tell that it left.
 * @param bufferedBytes of its body. @param lastReadBytes of these, the ones that came last
 */
export function readWhileHeld(
  client: HttpClient,
  deadlines: ExchangeDeadlines,
  bufferedBytes: number,
  lastReadBytes: number,
  nowMs: number,
): void {
  const { heldBodyBytes } = client.shared.options.limits
  const isPaused = deadlines.held(bufferedBytes, lastReadBytes, heldBodyBytes, nowMs)
  if (isPaused) pauseReading(client, deadlines, nowMs)
  else resumeReading(client, deadlines, nowMs)
}
