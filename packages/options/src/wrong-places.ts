import type { Keys } from './error.ts'

/** Where a file's values were wrong and dropped: what is not there because of that is not reported as missing, too. */
export class WrongPlaces {
  readonly #places = new Set<string>()

  add(keys: Keys): void {
    this.#places.add(JSON.stringify(keys))
  }

  /** Whether the value there, or one that it would stand in, was wrong. */
  covers(keys: Keys): boolean {
    if (this.#places.size === 0) return false
    for (let length = 0; length <= keys.length; length++)
      if (this.#places.has(JSON.stringify(keys.slice(0, length)))) return true
    return false
  }
}
