/** Chance with a seed: one seed, one history (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 <= x < 1. A function of its own, for those who take Math.random. */
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

  /** An integer, from <= n <= to. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  /** Between the two, small ones as likely as large ones: of 1 to 1000, as often below 32 as above. */
  spread(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.next())
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  /** True with that probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }
}
