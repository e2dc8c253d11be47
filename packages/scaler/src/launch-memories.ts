import type { Host } from './contract.ts'
import { LaunchMemory } from './launch-memory.ts'

/** Routes kept in mind; hosts of previews come and go. */
export const MAX_ROUTES = 1_000

/** A reloaded configuration asks again for a route whose launches are under way: they are the same launches. */
export class LaunchMemories {
  readonly #host: Host
  readonly #byRoute = new Map<string, LaunchMemory>()

  constructor(host: Host) {
    this.#host = host
  }

  of(route: string): LaunchMemory {
    const known = this.#byRoute.get(route)
    if (known !== undefined) return known
    if (this.#byRoute.size >= MAX_ROUTES) this.#forgetIdle()
    const launches = new LaunchMemory(route, this.#host)
    this.#byRoute.set(route, launches)
    return launches
  }

  #forgetIdle(): void {
    for (const [route, launches] of this.#byRoute) if (launches.isIdle) this.#byRoute.delete(route)
  }
}
