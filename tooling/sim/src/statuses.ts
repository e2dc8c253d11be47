import type { AppStatus } from '@brxy/edge'
import type { EdgeProcess } from './actors/edge.ts'

/** What the edges say of themselves, asked at most once a step. */
export class Statuses {
  readonly #edges: () => readonly EdgeProcess[]
  #apps: readonly AppStatus[] = []
  #isFresh = false

  constructor(edges: () => readonly EdgeProcess[]) {
    this.#edges = edges
  }

  /** An edge has done something since. */
  stale(): void {
    this.#isFresh = false
  }

  /** The apps of all edges that run: an app of two edges is there twice. */
  current(): readonly AppStatus[] {
    if (this.#isFresh) return this.#apps
    this.#isFresh = true
    this.#apps = this.#edges().flatMap((edge) => edge.status().apps)
    return this.#apps
  }
}
