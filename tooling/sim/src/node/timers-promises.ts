// What `node:timers/promises` is inside a simulation.

/** As there, by the clock of the process that calls it. */
export function setTimeout(ms: number): Promise<void> {
  return new Promise((resolve) => {
    globalThis.setTimeout(resolve, ms)
  })
}
