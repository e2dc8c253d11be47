import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often this process looks at the clock. */
const RESOLUTION_MS = 10

/** Some processes wait for each other one after the other in whatever is measured, and each may be kept waiting. */
const PROCESSES = 10

/** How long something took, and how much of that the machine may be at fault for. */
export interface Timed<T> {
  readonly value: T
  readonly tookMs: number
  /** Ten times the longest that this process, which had nothing to do, was kept from running meanwhile. */
  readonly noiseMs: number
}

/**
 * Times what is promised within a bound. The promise is about a machine with time to spare; on one without, the bound is
 * `promised + noiseMs`, measured in the same run.
 */
export async function timed<T>(run: () => Promise<T>): Promise<Timed<T>> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const sinceMs = performance.now()
  try {
    const value = await run()
    const tookMs = performance.now() - sinceMs
    return { value, tookMs, noiseMs: PROCESSES * Math.max(0, delay.max / 1e6 - RESOLUTION_MS) }
  } finally {
    delay.disable()
  }
}
