import { resolve } from 'node:path'
import { inherit, type Keys, OptionsError, pathOf, resolveOptions, wrongAt } from '@brxy/options'
import { BrxyError } from '@brxy/protocol'
import { type Address, parseAddress } from './address.ts'
import { type AppOptions, DEFAULT_OPTIONS } from './app-options.ts'
import { type ErrorPages, loadErrorPages } from './forward/error-pages.ts'
import { PassiveRules } from './forward/passive.ts'
import { TrustedProxies } from './forward/trusted-proxies.ts'
import { EDGE_OPTIONS, type EdgeOptions } from './options.ts'
import { RouteError, RouteTable } from './route/route-table.ts'
import { KeepWarm } from './scale/keep-warm.ts'
import { type EdgeTls, loadTls } from './tls/settings.ts'
import { isTunnelUrl } from './tunnel/tunnel-address.ts'

/** One app as it is configured: its options, with what it inherits, and what was made of them. */
export interface AppSettings {
  /** Its route, unless each of its hosts is one. */
  readonly name: string
  readonly options: AppOptions
  /** null: none, so that the warm path asks nothing. */
  readonly passive: PassiveRules | null
  readonly keepWarm: KeepWarm | null
  readonly fallback: Address | null
  readonly errorPages: ErrorPages | null
}

/** Everything that is configured for an edge, checked as a whole. What it cannot check is whether ports are free. */
export interface EdgeSettings {
  readonly options: EdgeOptions
  readonly apps: ReadonlyMap<string, AppSettings>
  readonly routes: RouteTable<AppSettings>
  /** For errors that belong to no app. */
  readonly errorPages: ErrorPages | null
  readonly tls: EdgeTls
  readonly trustedProxies: TrustedProxies
}

/**
 * Checks options and makes of them what an edge runs on. It reads the error pages and certificates, and nothing else.
 *
 * @param directory for the relative names of directories
 * @param onError hears of each mistake, with the keys to its place in a config file; default: the first one is thrown
 * @throws OptionsError
 */
export async function loadSettings(
  options: EdgeOptions,
  directory: string,
  onError: (error: OptionsError) => void = (error) => {
    throw error
  },
): Promise<EdgeSettings> {
  const loader = new Loader(directory, onError)
  loader.addresses(options)
  const tls = await loadTls(options, directory, onError)
  const errorPages = await loader.pages(options.defaults.errorPages, ['defaults'])
  const apps = new Map<string, AppSettings>()
  for (const [name, own] of Object.entries(options.apps)) {
    const keys = ['apps', name]
    const place = { path: pathOf(keys), keys, onError }
    loader.tcp(name, own)
    const inherited: AppOptions = { ...own, ...inherit(DEFAULT_OPTIONS, own, options.defaults, place) }
    apps.set(name, await loader.app(name, inherited))
  }
  const trustedProxies = loader.trustedProxies(options.trustedProxies)
  loader.proxyProtocol(options)
  return { options, apps, routes: loader.routes([...apps.values()]), errorPages, tls, trustedProxies }
}

/** Options given in code, checked and with their defaults. @throws OptionsError */
export function edgeOptions(input: Parameters<typeof resolveOptions<typeof EDGE_OPTIONS>>[1]): EdgeOptions {
  return resolveOptions(EDGE_OPTIONS, input)
}

class Loader {
  readonly #directory: string
  readonly #onError: (error: OptionsError) => void
  /** By directory: apps mostly share one. */
  readonly #pages = new Map<string, Promise<ErrorPages>>()
  /** Addresses, each with its place in the options. */
  readonly #taken = new Map<string, string>()

  constructor(directory: string, onError: (error: OptionsError) => void) {
    this.#directory = directory
    this.#onError = onError
  }

  addresses({ listen, tunnel, admin, reportTo }: EdgeOptions): void {
    for (const [at, { bind }] of listen.entries()) this.#address(['listen', at, 'bind'], bind)
    this.#address(['tunnel', 'bind'], tunnel.bind)
    this.#address(['admin', 'bind'], admin.bind)
    for (const [at, peer] of tunnel.peers.entries()) this.#tunnel(['tunnel', 'peers', at], peer)
    if (reportTo !== undefined) this.#tunnel(['reportTo'], reportTo)
  }

  /** Of another edge. */
  #tunnel(keys: Keys, text: string): void {
    if (!isTunnelUrl(text))
      this.#onError(wrongAt(keys, `"${text}" is no tunnel of an edge; expected ws://HOST:PORT or wss://HOST`))
  }

  #address(keys: Keys, bind: string): void {
    const address = this.#attempt(keys, () => parseAddress(bind))
    if (address !== null && address.port > 0) this.#taken.set(bind, pathOf(keys))
  }

  /** What an app for TCP clients cannot have, because it is about HTTP. What it inherits of that is not used. */
  tcp(
    name: string,
    { tcp, h2c, hosts, paths, perHost, passive, errorPages, waiting }: EdgeOptions['apps'][string],
  ): void {
    if (tcp === undefined) return
    const keys = ['apps', name]
    const other = this.#taken.get(tcp.bind)
    if (other === undefined) this.#address([...keys, 'tcp', 'bind'], tcp.bind)
    else
      this.#onError(
        wrongAt([...keys, 'tcp', 'bind'], `${tcp.bind} is that of ${other} already; choose another one`),
      )
    const isGiven = {
      hosts: hosts.length > 0,
      paths: paths.length > 0,
      perHost,
      h2c,
      passive: passive.length > 0,
      errorPages: errorPages !== undefined,
      waiting: waiting.fallback !== undefined,
    }
    for (const [option, given] of Object.entries(isGiven))
      if (given) this.#onError(wrongAt([...keys, option], 'cannot be given with tcp: it is about HTTP'))
  }

  trustedProxies(networks: readonly string[]): TrustedProxies {
    const make = (some: readonly string[]) => new TrustedProxies(some)
    return this.#all(networks, ['trustedProxies'], make) ?? make([])
  }

  /** A listener that turns everybody away is a mistake. */
  proxyProtocol({ listen, apps, trustedProxies }: EdgeOptions): void {
    if (trustedProxies.length > 0) return
    const given: Keys[] = listen.flatMap((each, at) => (each.proxyProtocol ? [['listen', at]] : []))
    for (const [name, { tcp }] of Object.entries(apps))
      if (tcp?.proxyProtocol) given.push(['apps', name, 'tcp'])
    const detail = 'lets nobody in: name the proxies that may send the header in trustedProxies'
    for (const keys of given) this.#onError(wrongAt([...keys, 'proxyProtocol'], detail))
  }

  async app(name: string, options: AppOptions): Promise<AppSettings> {
    const keys = ['apps', name]
    const { passive, keepWarm, waiting, perHost, paths, min, max } = options
    const tooMany = (kept: number, place: Keys) => {
      if (kept > max) this.#onError(wrongAt(place, `${kept} is more than max, which is ${max} for this app`))
    }
    tooMany(min, [...keys, 'min'])
    for (const [at, window] of keepWarm.entries()) tooMany(window.min, [...keys, 'keepWarm', at, 'min'])
    if (perHost && paths.length > 0) {
      const detail = 'cannot be given with perHost: each host is one app, whatever the path'
      this.#onError(wrongAt([...keys, 'paths'], detail))
    }
    return {
      name,
      options,
      passive:
        passive.length === 0
          ? null
          : this.#all(passive, [...keys, 'passive'], (rules) => new PassiveRules(rules)),
      keepWarm: keepWarm.length === 0 ? null : this.#keepWarm(keepWarm, [...keys, 'keepWarm']),
      fallback: this.#attempt([...keys, 'waiting', 'fallback'], () =>
        waiting.fallback === undefined ? null : fallbackAddress(waiting.fallback),
      ),
      errorPages: await this.pages(options.errorPages, keys),
    }
  }

  async pages(directory: string | undefined, keys: Keys): Promise<ErrorPages | null> {
    if (directory === undefined) return null
    const path = resolve(this.#directory, directory)
    let pages = this.#pages.get(path)
    if (pages === undefined) {
      pages = loadErrorPages(path)
      this.#pages.set(path, pages)
    }
    try {
      return await pages
    } catch (error) {
      this.#onError(located(error, [...keys, 'errorPages']))
      return null
    }
  }

  routes(all: readonly AppSettings[]): RouteTable<AppSettings> {
    const apps = all.filter(({ options }) => options.tcp === undefined)
    const rules = apps.map((target) => ({
      name: target.name,
      hosts: target.options.hosts,
      paths: target.options.paths,
      target,
    }))
    try {
      return new RouteTable(rules)
    } catch (error) {
      if (!(error instanceof RouteError)) throw error
      const { rule, host, path } = error.position
      const keys: (string | number)[] = ['apps', apps[rule].name]
      if (error.code !== 'edge/bad-path' && host !== undefined) keys.push('hosts', host)
      else if (path !== undefined) keys.push('paths', path, 'prefix')
      this.#onError(located(error, keys))
      return new RouteTable([])
    }
  }

  #keepWarm(windows: AppOptions['keepWarm'], keys: Keys): KeepWarm | null {
    // In a zone that there is first: what is wrong then is the cron.
    const each = windows.map(
      (window, at) =>
        this.#attempt([...keys, at, 'cron'], () => new KeepWarm([{ ...window, tz: 'UTC' }])) &&
        this.#attempt([...keys, at, 'tz'], () => new KeepWarm([window])),
    )
    return each.includes(null) ? null : new KeepWarm(windows)
  }

  /** One thing of a list whose elements are checked one at a time first, so that a mistake has its place. */
  #all<I, V>(items: readonly I[], keys: Keys, make: (items: readonly I[]) => V): V | null {
    const each = items.map((item, at) => this.#attempt([...keys, at], () => make([item])))
    return each.includes(null) ? null : make(items)
  }

  /** @returns null after a mistake that has been reported */
  #attempt<V>(keys: Keys, make: () => V): V | null {
    try {
      return make()
    } catch (error) {
      this.#onError(located(error, keys))
      return null
    }
  }
}

/** @throws BrxyError `edge/bad-address` */
function fallbackAddress(text: string): Address {
  const address = parseAddress(text)
  if (address.port > 0) return address
  throw new BrxyError('edge/bad-address', `"${text}" names no port to connect to; expected PORT or HOST:PORT`)
}

/** The same mistake, with its place in a config file. */
function located(error: unknown, place: Keys): OptionsError {
  if (error instanceof OptionsError) return wrongAt([...place, ...error.keys], error.detail, { cause: error })
  if (!(error instanceof BrxyError)) throw error
  // The place says which app it is.
  return wrongAt(place, error.message.replace(/^rule "[^"]*": /, ''), { cause: error })
}
