import { setTimeout as sleep } from 'node:timers/promises'

/** What is asked for again and again. */
export interface Probe {
  /** Why it is not there yet: what was expected and what was seen; undefined once it is there. */
  missing(): Promise<string | undefined>
  readonly withinMs: number
  readonly pollMs: number
}

/** Resolves when nothing is missing any more. @throws Error with what was missing last */
export async function eventually({ missing, withinMs, pollMs }: Probe): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const what = await missing()
    if (what === undefined) return
    if (performance.now() >= deadline) throw new Error(`${what}, after ${withinMs} ms`)
    await sleep(pollMs)
  }
}

/** Resolves when nothing was wrong for the whole time. @throws Error with what was */
export async function always(
  wrong: () => Promise<string | undefined>,
  { forMs, pollMs }: { readonly forMs: number; readonly pollMs: number },
): Promise<void> {
  const deadline = performance.now() + forMs
  for (;;) {
    const what = await wrong()
    if (what !== undefined) throw new Error(what)
    if (performance.now() >= deadline) return
    await sleep(pollMs)
  }
}

/** Bounds what must settle. @throws Error that says what did not */
export async function within<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not settle within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for all, also when one has failed: what goes on after a case would disturb the next. @throws the first error */
export async function together<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
