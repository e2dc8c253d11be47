import { assert } from '../error.ts'

/** Bounds what all receive windows of a process may grow to, beyond their initial size. */
export class WindowBudget {
  #freeBytes: number

  /** @param totalBytes window growth that all streams together may use. */
  constructor(totalBytes: number) {
    this.#freeBytes = totalBytes
  }

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** Takes up to `bytes`, all or nothing. */
  take(bytes: number): boolean {
    if (bytes > this.#freeBytes) return false
    this.#freeBytes -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#freeBytes += bytes
  }
}

/** Half a window that came and was consumed within this time counts as prompt, and doubles the window. */
const PROMPT_MS = 250

/**
 * The receiving half of one stream's flow control (brxy.v1 rule 4). Credit is returned when half a window was
 * delivered to the other side's socket. A window doubles each time half of it is consumed promptly, up to
 * `maxBytes`, from a process-wide budget: bulk is fast, a stuck reader stays at its first window.
 */
export class ReceiveWindow {
  readonly #maxBytes: number
  readonly #budget: WindowBudget
  #sizeBytes: number
  #grownBytes = 0
  /** What the peer may still send. */
  #openBytes: number
  #consumedBytes = 0
  /** When the first byte of the half window under way came; -1 before it. */
  #sinceMs = -1

  constructor(initialBytes: number, maxBytes: number, budget: WindowBudget) {
    this.#sizeBytes = initialBytes
    this.#openBytes = initialBytes
    this.#maxBytes = maxBytes
    this.#budget = budget
  }

  /** Accounts for received DATA. @returns false if the peer overstepped. */
  received(bytes: number, nowMs: number): boolean {
    // Not since the stream was opened: how long the application thought says nothing about the reader.
    if (this.#sinceMs < 0) this.#sinceMs = nowMs
    this.#openBytes -= bytes
    return this.#openBytes >= 0
  }

  /** Accounts for delivered DATA. @returns credit to announce in a WINDOW frame, 0 for none yet. */
  consumed(bytes: number, nowMs: number): number {
    this.#consumedBytes += bytes
    if (this.#consumedBytes * 2 < this.#sizeBytes) return 0
    let credit = this.#consumedBytes
    const growth = Math.min(this.#sizeBytes, this.#maxBytes - this.#sizeBytes)
    if (nowMs - this.#sinceMs <= PROMPT_MS && growth > 0 && this.#budget.take(growth)) {
      this.#sizeBytes += growth
      this.#grownBytes += growth
      credit += growth
    }
    this.#consumedBytes = 0
    this.#openBytes += credit
    this.#sinceMs = -1
    assert(this.#openBytes <= this.#sizeBytes, 'no more bytes are consumed than were received')
    return credit
  }

  /** The stream is over: what the window grew by goes back to the budget. */
  close(): void {
    this.#budget.giveBack(this.#grownBytes)
    this.#grownBytes = 0
  }
}
