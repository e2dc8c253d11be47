import type { AppStatus, Status } from '@brxy/edge'
import type { EdgeProcess } from './actors/edge.ts'

/** What the edges say of themselves, asked at most once a step. */
export class Statuses {
  readonly #edges: () => readonly EdgeProcess[]
  #byEdge: ReadonlyMap<EdgeProcess, Status> = new Map()
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
    this.#ask()
    return this.#apps
  }

  /** @returns undefined if it does not run */
  of(edge: EdgeProcess): Status | undefined {
    this.#ask()
    return this.#byEdge.get(edge)
  }

  #ask(): void {
    if (this.#isFresh) return
    this.#isFresh = true
    this.#byEdge = new Map(this.#edges().map((edge) => [edge, edge.status()]))
    this.#apps = [...this.#byEdge.values()].flatMap(({ apps }) => apps)
  }
}
