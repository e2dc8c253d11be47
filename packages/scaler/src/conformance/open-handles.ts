import { setTimeout as sleep } from 'node:timers/promises'

/** What keeps this process from ending: how many there are of each kind. */
export type OpenHandles = ReadonlyMap<string, number>

/** What comes and goes by itself. */
const NOT_COUNTED = /^(Immediate|FSReq|CloseReq)/

/**
 * What is open now. Node does not list what is `unref`ed, and that does not keep an edge from ending either.
 *
 * Source: `process.getActiveResourcesInfo()`, in Node since 17.3.
 */
export function openHandles(): OpenHandles {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (!NOT_COUNTED.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/** What stays open for some time: test runners have timers of their own, which come and go. */
export async function lastingHandles(forMs: number, pollMs: number): Promise<OpenHandles> {
  const end = performance.now() + forMs
  let fewest = openHandles()
  while (performance.now() < end) {
    await sleep(pollMs)
    const now = openHandles()
    fewest = new Map([...fewest].map(([kind, count]) => [kind, Math.min(count, now.get(kind) ?? 0)]))
  }
  return fewest
}

/** The kinds of which there are more than there were, as `2 TCPSocketWrap`. */
export function moreThan(earlier: OpenHandles, now: OpenHandles): string[] {
  const more: string[] = []
  for (const [kind, count] of now) {
    const excess = count - (earlier.get(kind) ?? 0)
    if (excess > 0) more.push(`${excess} ${kind}`)
  }
  return more
}
