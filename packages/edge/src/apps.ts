import type { RequestHead } from '@brxy/http1'
import { App } from './app.ts'
import type { AppEnvironment } from './app-environment.ts'
import type { ClientErrorCode } from './error.ts'
import type { Exchange } from './forward/exchange.ts'
import type { Router } from './forward/shared.ts'
import { messageOf } from './message-of.ts'
import { retire } from './retire.ts'
import type { RouteMatch } from './route/route-table.ts'
import type { AppSettings, EdgeSettings } from './settings.ts'

/** For a rule that is for every path. */
const ANY_PATH = { target: () => '/' }

/**
 * The apps of an edge. An app that something starts is made at once, for instances of an earlier run may be left, which
 * its first look at the platform finds; any other with its first request or linker. Where each host is an app of its own, `maxRoutes` bounds how
 * many there are, so that nobody starts processes by inventing Host headers; one that is entirely idle makes room.
 */
export class Apps implements Router {
  readonly #env: AppEnvironment
  #settings: EdgeSettings
  readonly #byRoute = new Map<string, App>()
  /** Apps that were removed and whose instances are still on their way out. */
  readonly #retiring = new Set<Promise<void>>()

  constructor(settings: EdgeSettings, env: AppEnvironment) {
    this.#settings = settings
    this.#env = env
  }

  [Symbol.iterator](): Iterator<App> {
    return this.#byRoute.values()
  }

  /** Names of configured apps that were not needed yet. */
  *asleep(): Iterable<string> {
    for (const { name, options } of this.#settings.apps.values())
      if (!options.perHost && !this.#byRoute.has(name)) yield name
  }

  find(route: string): App | undefined {
    return this.#byRoute.get(route)
  }

  match(head: RequestHead): RouteMatch<AppSettings> | null {
    return this.#settings.routes.find(head.hostKey, head)
  }

  app({ target }: RouteMatch<AppSettings>, hostKey: string): App | ClientErrorCode {
    const route = target.options.perHost ? hostKey : target.name
    const app = this.#byRoute.get(route)
    return app !== undefined && app.settings === target ? app : this.#create(route, target)
  }

  /** The app that a linker may serve under a route. */
  forRoute(route: string): App | ClientErrorCode {
    const target = this.#targetOf(route)
    if (target === undefined) return 'edge/no-app'
    return this.#byRoute.get(route) ?? this.#create(route, target)
  }

  /**
   * Another configuration is in force. Apps that stay get their new options, with all that they hold and that runs for
   * them; those that are gone, have another scaler, or other clients than before (TCP, HTTP), are retired. New ones are
   * for wake().
   */
  apply(settings: EdgeSettings): void {
    this.#settings = settings
    const inheritances: (() => void)[] = []
    for (const app of this.#byRoute.values()) {
      const target = this.#targetOf(app.route)
      if (target !== undefined && isSameKind(target, app.settings)) {
        app.configure(target, this.#env.wheel.now())
        continue
      }
      this.#byRoute.delete(app.route)
      const toHeir = (exchange: Exchange) => exchange.moveTo(this.#heirOf(app))
      const held = app.bequeath(toHeir)
      inheritances.push(() => held.forEach(toHeir))
      this.#retire(app)
    }
    // When all apps are what they are to be.
    for (const inherit of inheritances) inherit()
  }

  /** Makes the apps of which instances may run although nobody asks. */
  wake(): void {
    for (const { name, options } of this.#settings.apps.values())
      if (!options.perHost && options.scaler !== undefined) this.forRoute(name)
  }

  /**
   * Takes up hosts that are apps of their own, of which a scaler has instances left from an earlier run. At most
   * `maxRoutes`, as ever.
   *
   * @param scaler its name
   * @returns how many there was no room for
   */
  takeUp(routes: readonly string[], scaler: string): number {
    let left = 0
    for (const route of routes) {
      const target = this.#targetOf(route)
      if (target?.options.perHost !== true || target.options.scaler?.name !== scaler) continue
      if (this.#byRoute.has(route)) continue
      if (this.#countOf(target) < target.options.maxRoutes) this.forRoute(route)
      else left++
    }
    return left
  }

  /** Resolves when all apps that were removed are gone. */
  async retired(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  #retire(app: App): void {
    const retiring = retire(app, this.#settings.options.timeouts.drainMs)
      .catch((error) => {
        const fields = { app: app.route, error: messageOf(error) }
        const message = 'instances of a removed app may be left'
        this.#env.emit({ type: 'scaler', level: 'error', message, fields })
      })
      .finally(() => this.#retiring.delete(retiring))
    this.#retiring.add(retiring)
  }

  /** The app that takes over what came for another one of its name, if it can. */
  #heirOf({ route, settings }: App): App | ClientErrorCode {
    const heir = this.forRoute(route)
    return typeof heir === 'string' || isTcp(heir.settings) === isTcp(settings) ? heir : 'edge/no-app'
  }

  /** What a route stands for: a name first, then a host of an app whose hosts are apps of their own. */
  #targetOf(route: string): AppSettings | undefined {
    const named = this.#settings.apps.get(route)
    if (named !== undefined && !named.options.perHost) return named
    const target = this.#settings.routes.find(route, ANY_PATH)?.target
    return target?.options.perHost === true ? target : undefined
  }

  #create(route: string, target: AppSettings): App | ClientErrorCode {
    // A host may happen to be called like another app; then the name is taken.
    if (route === '' || this.#targetOf(route) !== target) return 'edge/no-app'
    if (target.options.perHost && !this.#makeRoom(target)) return 'edge/too-many-apps'
    const app = new App(route, target, this.#env)
    this.#byRoute.set(route, app)
    return app
  }

  #countOf(target: AppSettings): number {
    let count = 0
    for (const { settings } of this.#byRoute.values()) if (settings === target) count++
    return count
  }

  /** Whether one more host of the app may be active, perhaps after the oldest idle one has been forgotten. */
  #makeRoom(target: AppSettings): boolean {
    let count = 0
    let idle: App | undefined
    for (const app of this.#byRoute.values()) {
      if (app.settings !== target) continue
      count++
      if (app.isIdle) idle ??= app
    }
    if (count < target.options.maxRoutes) return true
    if (idle === undefined) return false
    // A request whose tunnel died may yet come back, to whatever serves its route then.
    idle.bequeath((exchange) => exchange.moveTo(this.#heirOf(idle)))
    idle.runner?.detach(idle)
    this.#byRoute.delete(idle.route)
    return true
  }
}

/** Whether instances of the one can serve as instances of the other. */
function isSameKind(one: AppSettings, other: AppSettings): boolean {
  return one.options.scaler?.name === other.options.scaler?.name && isTcp(one) === isTcp(other)
}

function isTcp({ options }: AppSettings): boolean {
  return options.tcp !== undefined
}
