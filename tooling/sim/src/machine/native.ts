/** Node's own, taken before anything is replaced. */
export const native = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  nextTick: process.nextTick.bind(process),
  random: Math.random,
  dateNow: Date.now,
  performanceNow: performance.now.bind(performance),
  hrtime: process.hrtime,
  randomUUID: crypto.randomUUID.bind(crypto),
} as const

/** Resolves when all promises that can be settled by now have been, and their followers have run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    native.setImmediate(resolve)
  })
}
