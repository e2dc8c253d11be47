import type { Stream } from './stream.ts'

/**
 * Streams with DATA that waits take turns, so that bulk cannot starve the others (brxy.v1 rule 4).
 * A plain ring: whoever could send more goes to the end.
 */
export class Turns {
  #streams: Stream[] = []

  get isEmpty(): boolean {
    return this.#streams.length === 0
  }

  add(stream: Stream): void {
    if (stream.isEnqueued) return
    stream.isEnqueued = true
    this.#streams.push(stream)
  }

  /** Gives turns while `hasRoom()` says that the transport takes more. */
  run(hasRoom: () => boolean): void {
    while (this.#streams.length > 0 && hasRoom()) {
      const round = this.#streams
      this.#streams = []
      for (let i = 0; i < round.length; i++) {
        if (!hasRoom()) {
          // The rest of the round keeps its place before those that had their turn.
          this.#streams = round.slice(i).concat(this.#streams)
          return
        }
        const stream = round[i]
        stream.isEnqueued = false
        if (!stream.over && stream.takeTurn()) this.add(stream)
      }
    }
  }
}
