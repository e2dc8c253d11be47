/** First looks at the platform under way at a time: an edge that starts takes all its apps up at once. */
const MAX_UNDER_WAY = 32

/** Begins a look; it calls `done` once when that is over, at once if there is nothing to look at. */
export type FirstLook = (done: () => void) => void

/** Has apps looked at for the first time, a bounded number at a time, in the order in which they came. */
export class FirstLooks {
  readonly #waiting: FirstLook[] = []
  #underWay = 0
  #isBeginning = false

  add(look: FirstLook): void {
    this.#waiting.push(look)
    this.#begin()
  }

  /** One loop, never inside itself: thousands may be over at once. */
  #begin(): void {
    if (this.#isBeginning) return
    this.#isBeginning = true
    for (;;) {
      const look = this.#underWay < MAX_UNDER_WAY ? this.#waiting.shift() : undefined
      if (look === undefined) break
      this.#underWay++
      look(() => {
        this.#underWay--
        this.#begin()
      })
    }
    this.#isBeginning = false
  }
}
