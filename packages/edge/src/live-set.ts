/** Connections and the like, which end by themselves: who is there, and the moment when nobody is. */
export class LiveSet<T> extends Set<T> {
  #onEmpty: (() => void) | null = null

  override delete(member: T): boolean {
    const wasThere = super.delete(member)
    if (this.size === 0) this.#onEmpty?.()
    return wasThere
  }

  /** Resolves when there is nobody; at once if there is nobody now. */
  async whenEmpty(): Promise<void> {
    if (this.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }
}
