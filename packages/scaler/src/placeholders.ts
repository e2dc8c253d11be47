/**
 * Ids for replicas that a number asks for and that the platform cannot make, so that it has no names for them: whatever is
 * wrong is said of these. One that is given up does not come back. A position would: as long as as many are wanted anew, the
 * next one that is missing would be taken for the one that is to go, and nobody would heed what is wrong with it.
 */
export class Placeholders {
  readonly #prefix: string
  #ids: string[] = []
  #made = 0

  /** @param prefix of the ids, that no id of the platform begins with */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** @param count how many are missing now @returns as many ids, the same as before as far as there were any */
  of(count: number): readonly string[] {
    while (this.#ids.length < count) this.#ids.push(`${this.#prefix}${this.#made++}`)
    this.#ids.length = count
    return [...this.#ids]
  }

  /** The platform was told that these are not wanted. @param ids others among them do not matter */
  giveUp(ids: ReadonlySet<string>): void {
    this.#ids = this.#ids.filter((id) => !ids.has(id))
  }
}
