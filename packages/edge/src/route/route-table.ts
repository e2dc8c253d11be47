import { parseHost } from '@brxy/http1'
import { BrxyError } from '@brxy/protocol'
import { MAX_PREFIX_LENGTH, parsePrefix } from './path-prefix.ts'

/** The hosts and paths that belong to one target. */
export interface RouteRule<T> {
  /** For messages and logs: the name of the app. */
  readonly name: string
  /** `shop.example.com`, `*.example.com` (one or more labels below), or `*`. None is `*`: any host. */
  readonly hosts: readonly string[]
  /** Prefixes such as `/api`, each for all hosts of the rule; `/` is every path, as is none at all. */
  readonly paths: readonly RoutePath[]
  readonly target: T
}

/** A path prefix, whether it is taken off before the application sees the target, and how early its requests count. */
export interface RoutePath {
  readonly prefix: string
  readonly strip: boolean
  /** Default 0. */
  readonly priorityMs?: number
}

/** Where a request belongs. The table makes each once and returns the same object ever after. */
export interface RouteMatch<T> {
  readonly target: T
  /** Of the rule. */
  readonly name: string
  /** The host pattern that matched, in lower case: `shop.example.com`, `*.example.com`, `*`. */
  readonly pattern: string
  /** The path prefix that matched, without a slash at its end; empty: every path. */
  readonly prefix: string
  /** Whether to take the prefix off: `strippedTarget`. */
  readonly strip: boolean
  /** How much earlier its held requests are taken to have come. */
  readonly priorityMs: number
}

/** The place of a mistake: indices from 0 into the rules, and into `hosts` or `paths` of that rule. */
export interface RoutePosition {
  readonly rule: number
  /** Absent if the rule has no hosts, or they are not what is wrong. */
  readonly host?: number
  /** Absent if the rule has no paths, or they are not what is wrong. */
  readonly path?: number
}

export type RouteErrorCode = 'edge/bad-host' | 'edge/bad-path' | 'edge/duplicate-route'

/** A rule that cannot be obeyed. The message names the rule; the position finds its line in a file. */
export class RouteError extends BrxyError {
  readonly position: RoutePosition
  /** With `edge/duplicate-route`: who claimed the same before. */
  readonly earlier: RoutePosition | null

  constructor(
    code: RouteErrorCode,
    message: string,
    position: RoutePosition,
    earlier: RoutePosition | null = null,
  ) {
    super(code, message)
    this.position = position
    this.earlier = earlier
  }
}

/**
 * Which target a request belongs to. The most specific host decides first (the name itself, then the longest
 * `*.name`, then `*`), then the longest path prefix among the rules of that host pattern. A request whose path no
 * rule of that pattern has belongs to nobody, even if a less specific pattern has one: what `a.example.com` serves
 * can be read off its own rules, as in nginx and Caddy.
 *
 * A lookup costs the labels of the host and the segments of the path, whatever the number of routes.
 */
export class RouteTable<T> {
  /** Host and prefix pairs. */
  readonly size: number
  readonly #exact = new Map<string, HostRoutes<T>>()
  /** By what follows `*.`. */
  readonly #wildcards = new Map<string, HostRoutes<T>>()
  #any: HostRoutes<T> | null = null

  /**
   * @throws RouteError for the first mistake: `edge/bad-host` for a pattern that can match no host, `edge/bad-path`
   * for a prefix that can match no path, `edge/duplicate-route` for a host and prefix that are claimed twice
   */
  constructor(rules: readonly RouteRule<T>[]) {
    const claims = new Map<RouteMatch<T>, RoutePosition>()
    for (const [r, rule] of rules.entries()) {
      const prefixes = readPrefixes(rule, r)
      for (const { index: host, pattern } of readPatterns(rule, r)) {
        const routes = this.#routesOf(pattern)
        for (const { index: path, prefix, strip, priorityMs } of prefixes) {
          const match = { target: rule.target, name: rule.name, pattern, prefix, strip, priorityMs }
          const position = { rule: r, ...(host >= 0 && { host }), ...(path >= 0 && { path }) }
          const other = routes.add(match)
          if (other !== null) throw duplicate(match, position, other.name, claims.get(other) ?? null)
          claims.set(match, position)
        }
      }
    }
    this.size = claims.size
  }

  /**
   * Finds where a request belongs. Allocates nothing for a host that has an exact pattern and no paths; a wildcard
   * costs a substring for each label tried.
   *
   * @param hostKey as `normalizeHost` gives it; empty, for a request without a host, matches `*` alone
   * @param request its `target()`, a path with its query or `*`, is called at most once, and only if the host has paths
   * @returns null if it belongs to no rule
   */
  find(hostKey: string, request: { target(): string }): RouteMatch<T> | null {
    const routes = this.#exact.get(hostKey) ?? this.#wildcardOf(hostKey) ?? this.#any
    if (routes === null) return null
    return routes.hasPrefixes ? routes.find(request.target()) : routes.everyPath
  }

  #wildcardOf(hostKey: string): HostRoutes<T> | undefined {
    if (this.#wildcards.size === 0) return undefined
    // From 1: no label is empty, so `.example.com` is not below example.com. At most 252 dots (parseHost).
    for (let dot = hostKey.indexOf('.', 1); dot >= 0; dot = hostKey.indexOf('.', dot + 1)) {
      const routes = this.#wildcards.get(hostKey.slice(dot + 1))
      if (routes !== undefined) return routes
    }
    return undefined
  }

  #routesOf(pattern: string): HostRoutes<T> {
    if (pattern === '*') return (this.#any ??= new HostRoutes())
    const isWildcard = pattern.startsWith('*.')
    const map = isWildcard ? this.#wildcards : this.#exact
    const key = isWildcard ? pattern.slice(2) : pattern
    let routes = map.get(key)
    if (routes === undefined) map.set(key, (routes = new HostRoutes()))
    return routes
  }
}

/** The routes of one host pattern, by prefix. */
class HostRoutes<T> {
  /** The route of the empty prefix. */
  everyPath: RouteMatch<T> | null = null
  hasPrefixes = false
  /** Made late: most of many hosts have no paths. */
  #prefixes: Map<string, RouteMatch<T>> | null = null
  /** Of any prefix here: what bounds the cost of a path, however long a client makes it. */
  #maxSegments = 0
  #maxLength = 0

  /** @returns the route that has the prefix already; null if there was none and `match` was added */
  add(match: RouteMatch<T>): RouteMatch<T> | null {
    const { prefix } = match
    if (prefix === '') {
      if (this.everyPath !== null) return this.everyPath
      this.everyPath = match
      return null
    }
    this.#prefixes ??= new Map()
    const other = this.#prefixes.get(prefix)
    if (other !== undefined) return other
    this.#prefixes.set(prefix, match)
    this.hasPrefixes = true
    this.#maxSegments = Math.max(this.#maxSegments, prefix.split('/').length - 1)
    this.#maxLength = Math.max(this.#maxLength, prefix.length)
    return null
  }

  /** The route of the longest prefix that ends where a segment of the target ends. `*` has no segment. */
  find(target: string): RouteMatch<T> | null {
    const query = target.indexOf('?')
    const pathEnd = query === -1 ? target.length : query
    let best = this.everyPath
    if (this.#prefixes === null) return best
    for (let segments = 0, end = 0; segments < this.#maxSegments && end < pathEnd; segments++) {
      const slash = target.indexOf('/', end + 1)
      end = slash === -1 || slash > pathEnd ? pathEnd : slash
      if (end > this.#maxLength) break
      best = this.#prefixes.get(target.slice(0, end)) ?? best
    }
    return best
  }
}

/** The host patterns of a rule as host keys; index -1: it has none, which is any. */
function readPatterns<T>(rule: RouteRule<T>, index: number): { index: number; pattern: string }[] {
  if (rule.hosts.length === 0) return [{ index: -1, pattern: '*' }]
  return rule.hosts.map((text, host) => {
    const pattern = parsePattern(text)
    if (pattern !== null) return { index: host, pattern }
    const expected =
      'expected a name without a port, like shop.example.com or *.example.com, or * for any host'
    throw new RouteError(
      'edge/bad-host',
      `rule ${quote(rule.name)}: ${quote(text)} is no host pattern; ${expected}`,
      { rule: index, host },
    )
  })
}

/** The prefixes of a rule; index -1: it has none, which is every path. */
function readPrefixes<T>(
  rule: RouteRule<T>,
  index: number,
): { index: number; prefix: string; strip: boolean; priorityMs: number }[] {
  if (rule.paths.length === 0) return [{ index: -1, prefix: '', strip: false, priorityMs: 0 }]
  return rule.paths.map((entry, path) => {
    const prefix = parsePrefix(entry.prefix)
    const { strip, priorityMs = 0 } = entry
    if (prefix !== null) return { index: path, prefix, strip, priorityMs }
    const expected = `expected one like /api: a / and then visible ASCII without ? and #, at most ${MAX_PREFIX_LENGTH} bytes`
    throw new RouteError(
      'edge/bad-path',
      `rule ${quote(rule.name)}: ${quote(entry.prefix)} is no path prefix; ${expected}`,
      { rule: index, path },
    )
  })
}

/** Longest name below which a host can still be: 253 bytes less a label of one and its dot. */
const MAX_WILDCARD_LENGTH = 251

/** A host pattern with its name as a host key, or null if it can match no host key: it has a port, for one. */
function parsePattern(text: string): string | null {
  if (text === '*') return text
  const isWildcard = text.startsWith('*.')
  const host = parseHost(isWildcard ? text.slice(2) : text)
  if (host === null || host.port !== -1) return null
  if (!isWildcard) return host.key
  // Nothing is below an address in brackets.
  return host.key.startsWith('[') || host.key.length > MAX_WILDCARD_LENGTH ? null : `*.${host.key}`
}

function duplicate(
  match: RouteMatch<unknown>,
  position: RoutePosition,
  otherName: string,
  earlier: RoutePosition | null,
): RouteError {
  const what = `${match.prefix === '' ? 'every path' : `the path ${match.prefix}`} of the host ${match.pattern}`
  const message =
    earlier?.rule === position.rule
      ? `rule ${quote(match.name)} claims ${what} twice; remove one`
      : `${quote(otherName)} and ${quote(match.name)} both claim ${what}; remove it from one, or give it another path`
  return new RouteError('edge/duplicate-route', message, position, earlier)
}

/** Quoted on one line, and not the whole of it if it is long. */
function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}
