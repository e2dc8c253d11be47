import { normalizeHost } from '@brxy/http1'
import { BrxyError } from '@brxy/protocol'

/** Which hosts an edge serves: names, `*.name` for one or more labels below a name; no pattern means all. */
export class HostPatterns {
  readonly #exact = new Set<string>()
  readonly #suffixes = new Set<string>()

  /** @throws BrxyError `edge/bad-host` for a pattern that can match no host */
  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      const isWildcard = pattern.startsWith('*.')
      const key = normalizeHost(isWildcard ? pattern.slice(2) : pattern)
      if (key === null || pattern.includes(':')) {
        throw new BrxyError(
          'edge/bad-host',
          `"${pattern}" is no host pattern; expected a name like shop.example.com or *.example.com`,
        )
      }
      if (isWildcard) this.#suffixes.add(key)
      else this.#exact.add(key)
    }
  }

  /** Costs a lookup for each label of the host, whatever the number of patterns. */
  matches(hostKey: string): boolean {
    if (this.#exact.size === 0 && this.#suffixes.size === 0) return true
    if (this.#exact.has(hostKey)) return true
    if (this.#suffixes.size === 0) return false
    for (let dot = hostKey.indexOf('.'); dot >= 0; dot = hostKey.indexOf('.', dot + 1)) {
      if (this.#suffixes.has(hostKey.slice(dot + 1))) return true
    }
    return false
  }
}
