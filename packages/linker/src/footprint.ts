/** When a linker has started. Loading its code in a small space takes 10 ms more (docs/performance.md). */
const STARTED_MS = 200

/**
 * Keeps the linker small: one goes beside every instance. V8 lets the space for new objects grow from 1 to 16 MiB under
 * load and keeps it; a linker's objects live for one request, so the small space is collected quickly anyway. Takes about
 * 20 MiB off a busy linker (docs/performance.md). For a process of its own only, not where a linker is embedded.
 *
 * @returns what undoes it, for the end: compiled code that is kept (code-cache.ts) is of use to a start with the same flags only
 */
export function keepSmallSoon(): () => void {
  const timer = setTimeout(() => setGrowthFactor(1), STARTED_MS).unref()
  return () => {
    clearTimeout(timer)
    setGrowthFactor(2) // V8's default
  }
}

function setGrowthFactor(factor: number): void {
  // Half a millisecond to load, which no start has to wait for.
  process.getBuiltinModule('node:v8').setFlagsFromString(`--semi-space-growth-factor=${factor}`)
}
