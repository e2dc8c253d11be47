/** Lines that are kept to be shown with a failure. */
const KEPT_LINES = 400

/**
 * What happened, in order: a hash over all of it, and lines for people. Two runs with the same hash were the same history;
 * this is how determinism is checked. Lines are made only if somebody wants them, for a history can be had again.
 */
export class Journal {
  readonly #lines: string[] = new Array(KEPT_LINES)
  #count = 0
  #low = 0x811c9dc5
  #high = 0x01000193
  /** Whether lines are kept. */
  isKept = false
  /** Told of each line. */
  onLine: ((line: string) => void) | null = null

  /** @param atMs the world's time */
  note(atMs: number, who: string, what: () => string): void {
    this.#mix(Math.round(atMs * 1000))
    this.#mixText(who)
    if (!this.isKept && this.onLine === null) return
    const line = `${(atMs / 1000).toFixed(4).padStart(10)} ${who.padEnd(12)} ${what()}`
    this.#lines[this.#count++ % KEPT_LINES] = line
    this.onLine?.(line)
  }

  /** Something happened that is no line of its own. */
  step(atMs: number, label: string): void {
    this.#mix(Math.round(atMs * 1000))
    this.#mixText(label)
  }

  get hash(): string {
    const hex = (n: number) => (n >>> 0).toString(16).padStart(8, '0')
    return hex(this.#high) + hex(this.#low)
  }

  /** The last lines, oldest first. */
  last(count: number): string[] {
    const kept = Math.min(count, this.#count, KEPT_LINES)
    return Array.from({ length: kept }, (_, at) => this.#lines[(this.#count - kept + at) % KEPT_LINES])
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x85ebca6b)
    this.#high = Math.imul(this.#high ^ (this.#low >>> 13) ^ value, 0xc2b2ae35)
  }

  #mixText(text: string): void {
    let hash = text.length
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash, 31) + text.charCodeAt(at)
    this.#mix(hash)
  }
}
