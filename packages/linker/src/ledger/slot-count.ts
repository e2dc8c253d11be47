import { MAX_GRANTS } from '@brxy/protocol'

/**
 * How many slots the instance has. What was asked for last counts (`-c`, then PUT /slots or `Brxy-Slots`), but never more
 * than the application takes streams over HTTP/2, which is not a wish but a rule of its own (RFC 9113 5.1.2). The smaller
 * one wins, and a limit that is lifted gives the wish back.
 */
export class SlotCount {
  #wanted: number
  #limit = Number.POSITIVE_INFINITY
  #hasNoticed = false

  constructor(wanted: number) {
    this.#wanted = wanted
  }

  get count(): number {
    // No streams at all is a moment's answer. A request has to ask again, and is given back as long as it is so.
    return Math.min(this.#wanted, Math.max(1, this.#limit))
  }

  /** @param slots 0 to {@link MAX_GRANTS} */
  want(slots: number): void {
    this.#wanted = slots
  }

  /** @param streams as the application's SETTINGS say */
  limit(streams: number): void {
    this.#limit = streams
  }

  /** For the operator, whose wish was not followed. */
  limitNotice(streams: number): string {
    return `the application takes ${streams} requests at a time over HTTP/2; ${this.count} of ${this.#wanted} slots are lent`
  }

  /**
   * @param value of a response's `Brxy-Slots`: 1 to {@link MAX_GRANTS}; none at all could never be changed by a response
   * @returns what to tell the operator of a value that is ignored; null if it is not, or that was said before
   */
  heed(value: string): string | null {
    const slots = parseSlots(value)
    if (slots !== null) this.#wanted = slots
    if (slots !== null || this.#hasNoticed) return null
    this.#hasNoticed = true
    return `the application's Brxy-Slots is no whole number from 1 to ${MAX_GRANTS}, and ignored: "${value.slice(0, 100)}"`
  }
}

/** The number in a text that is one from 1 to {@link MAX_GRANTS} and nothing else; null if it is none. */
function parseSlots(text: string): number | null {
  const slots = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return slots >= 1 && slots <= MAX_GRANTS ? slots : null
}
