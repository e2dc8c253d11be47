import { expect } from 'vitest'

/** Nothing in these tests may take longer. */
const BOUND_MS = 10_000
const POLL_MS = 5

/** The real ones: a test may have replaced the clock for the code under test. */
const { setTimeout, clearTimeout } = globalThis
const now = performance.now.bind(performance)

/**
 * Resolves with the first value that is neither undefined nor false, looking again and again.
 * @throws Error if that takes longer than 10 s
 */
export async function eventually<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = now() + BOUND_MS
  for (;;) {
    const value = look()
    if (value !== undefined && value !== false) return value
    if (now() > deadline) throw new Error(`${what}: not within ${BOUND_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** An assertion that has to hold in the end. */
export function poll(look: () => unknown): ReturnType<typeof expect.poll> {
  return expect.poll(look, { timeout: BOUND_MS, interval: POLL_MS })
}

/** The promise, with a bound. */
export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timeout: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timeout = setTimeout(() => reject(new Error(`${what}: not within ${BOUND_MS} ms`)), BOUND_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timeout))
}
