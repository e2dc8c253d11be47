/**
 * Milliseconds of a clock that only goes forward. As `performance.now()`, whose first use loads node:perf_hooks: a start would
 * wait 0.7 ms for it (docs/performance.md).
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}
