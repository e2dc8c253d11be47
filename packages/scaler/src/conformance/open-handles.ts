/** What keeps this process from ending, by kind and number. */
export class OpenHandles {
  readonly #counts: ReadonlyMap<string, number>

  constructor(kinds: readonly string[]) {
    const counts = new Map<string, number>()
    for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    this.#counts = counts
  }

  /** The kinds of which there are more than there were, as `2 TCPSocketWrap`. */
  minus(earlier: OpenHandles): string[] {
    const more: string[] = []
    for (const [kind, count] of this.#counts) {
      const excess = count - (earlier.#counts.get(kind) ?? 0)
      if (excess > 0) more.push(`${excess} ${kind}`)
    }
    return more
  }
}

/** What comes and goes by itself. */
const NOT_COUNTED = /^(Immediate|FSReq|CloseReq)/

/**
 * What is open now. Node does not list what is `unref`ed, and that does not keep an edge from ending either.
 *
 * Source: `process.getActiveResourcesInfo()`, stable since Node 24 and there since 17.3.
 */
export function openHandles(): OpenHandles {
  return new OpenHandles(process.getActiveResourcesInfo().filter((kind) => !NOT_COUNTED.test(kind)))
}
