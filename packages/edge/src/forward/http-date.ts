/** The Date field's value (RFC 9110 5.6.7), made once a second. */
export class HttpDate {
  readonly #now: () => number
  #text = ''
  #untilMs = Number.NEGATIVE_INFINITY

  /** @param now monotonic milliseconds, to know when the second is over. */
  constructor(now: () => number) {
    this.#now = now
  }

  get text(): string {
    const nowMs = this.#now()
    if (nowMs >= this.#untilMs) {
      const epochMs = Date.now()
      this.#text = new Date(epochMs).toUTCString()
      this.#untilMs = nowMs + 1000 - (epochMs % 1000)
    }
    return this.#text
  }
}
