/** As of vitest: what the cases of @brxy/scaler/conformance are declared with. */
interface Test {
  (name: string, run: () => Promise<void>, timeoutMs?: number): unknown
  skip(name: string, run: () => Promise<void>): unknown
  concurrent(name: string, run: () => Promise<void>, timeoutMs?: number): unknown
}

/**
 * Cases about the instances of a route of their own. They mostly wait (one of them for half a minute), so they do it beside each
 * other. All others, and those that somebody adds, run alone: they take the platform's API away, count this process's handles,
 * or have a bound that is tight on a busy machine.
 */
const OVERLAPS = /: (starts|makes|hands|removes|does not start|takes|gives|keeps) /

/** Declares cases of the kit so that those that may run beside each other do. */
export function overlapping(test: Test): Test {
  const declare = (name: string, run: () => Promise<void>, timeoutMs?: number) =>
    (OVERLAPS.test(name) ? test.concurrent : test)(name, run, timeoutMs)
  const skip = (name: string, run: () => Promise<void>) => test.skip(name, run)
  return Object.assign(declare, { skip, concurrent: test.concurrent })
}
