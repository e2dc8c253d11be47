/** A session that may be given requests. The fields belong to the broker. */
export interface Puller {
  /** Higher is served first: mostly the newest instance has the highest. */
  order: number
  grants: number
  /** Not leaving, not suspect, not draining. */
  isEligible: boolean
  heapIndex: number
}

/** The pullers that have a usable grant, the newest on top: a binary heap with the places in the pullers. */
export class PullerHeap<P extends Puller> {
  readonly #items: P[] = []

  get top(): P | null {
    return this.#items.length === 0 ? null : this.#items[0]
  }

  /** The best but the top: one of the root's children. */
  get second(): P | null {
    const left = this.#items[1]
    const right = this.#items[2]
    if (left === undefined) return null
    return right === undefined || left.order > right.order ? left : right
  }

  add(puller: P): void {
    if (puller.heapIndex >= 0) return
    puller.heapIndex = this.#items.length
    this.#items.push(puller)
    this.#up(puller.heapIndex)
  }

  remove(puller: P): void {
    const at = puller.heapIndex
    if (at < 0) return
    puller.heapIndex = -1
    const last = this.#items.pop() as P
    if (last === puller) return
    this.#items[at] = last
    last.heapIndex = at
    this.#up(at)
    this.#down(last.heapIndex)
  }

  #up(at: number): void {
    const item = this.#items[at]
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#items[parent].order >= item.order) break
      this.#place(this.#items[parent], at)
      at = parent
    }
    this.#place(item, at)
  }

  #down(at: number): void {
    const item = this.#items[at]
    const length = this.#items.length
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.#items[child + 1].order > this.#items[child].order) child++
      if (this.#items[child].order <= item.order) break
      this.#place(this.#items[child], at)
      at = child
    }
    this.#place(item, at)
  }

  #place(item: P, at: number): void {
    this.#items[at] = item
    item.heapIndex = at
  }
}
