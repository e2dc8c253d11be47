import type { Outlet } from './outlet.ts'

/** Body bytes that may have to be sent (again): all of a held request's, and what went out unanswered. */
export class Replay {
  #chunks: Buffer[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** A copy is kept. */
  keep(buffer: Buffer, from: number, to: number): void {
    this.#chunks.push(Buffer.from(buffer.subarray(from, to)))
    this.#bytes += to - from
  }

  /** @returns false when some of it waits at the outlet */
  writeTo(outlet: Outlet): boolean {
    let isWritable = true
    for (const chunk of this.#chunks) isWritable = outlet.write(chunk, 0, chunk.length)
    return isWritable
  }

  /** It will not be needed. */
  drop(): void {
    if (this.#bytes === 0) return
    this.#chunks = []
    this.#bytes = 0
  }
}
