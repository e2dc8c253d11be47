/** Chance with a seed: one seed, one history. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 <= x < 1 (mulberry32). A function of its own, for those who take Math.random. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** An integer, 0 <= n < bound. */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  /** True with that probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** `length` cut into pieces, by their ends: rarely many, sometimes byte by byte. */
  cuts(length: number): number[] {
    const kind = this.below(10)
    if (kind < 4 || length < 2) return [length]
    if (kind === 4 && length < 300) return Array.from({ length }, (_, at) => at + 1)
    const cuts = Array.from({ length: 1 + this.below(6) }, () => 1 + this.below(length))
    return [...new Set([...cuts, length])].sort((a, b) => a - b)
  }
}
