import { App, type AppEnvironment } from './app.ts'
import type { ClientErrorCode } from './error.ts'
import type { Router } from './forward/shared.ts'
import type { HostPatterns } from './route/host-pattern.ts'

/**
 * The apps of an edge that serves hosts: each host is a route of its own, made when it is first asked for.
 * Bounded by `maxApps`, so that nobody starts processes by inventing Host headers; an app that is entirely idle
 * makes room for a new one.
 */
export class Apps implements Router {
  readonly #patterns: HostPatterns
  readonly #maxApps: number
  readonly #env: AppEnvironment
  readonly #byRoute = new Map<string, App>()

  constructor(patterns: HostPatterns, maxApps: number, env: AppEnvironment) {
    this.#patterns = patterns
    this.#maxApps = maxApps
    this.#env = env
  }

  get size(): number {
    return this.#byRoute.size
  }

  [Symbol.iterator](): Iterator<App> {
    return this.#byRoute.values()
  }

  find(route: string): App | undefined {
    return this.#byRoute.get(route)
  }

  route(hostKey: string): App | ClientErrorCode {
    return this.#byRoute.get(hostKey) ?? this.#create(hostKey)
  }

  #create(hostKey: string): App | ClientErrorCode {
    if (hostKey === '' || !this.#patterns.matches(hostKey)) return 'edge/no-app'
    if (this.#byRoute.size >= this.#maxApps && !this.#evict()) return 'edge/too-many-apps'
    const app = new App(hostKey, this.#env)
    this.#byRoute.set(hostKey, app)
    return app
  }

  /** Forgets the oldest app that is idle. */
  #evict(): boolean {
    for (const app of this.#byRoute.values()) {
      if (!app.isIdle) continue
      app.close()
      this.#byRoute.delete(app.route)
      return true
    }
    return false
  }
}
