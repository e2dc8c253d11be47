import type { Random } from '../random.ts'
import { returnBuffers, shareBuffers } from './buffers.ts'
import { native } from './native.ts'
import type { SimProcess } from './process.ts'
import type { World } from './world.ts'

/** Node takes no shorter one. */
const MIN_TIMEOUT_MS = 1
/** How long a process takes to get from one callback to the end of a turn of its event loop. */
const TURN_MS = 0.05

let world: World | null = null

/** The world in which code runs now: there is one at a time, for Node's globals are only there once. */
export function theWorld(): World {
  if (world === null)
    throw new Error('no world: a stand-in for a module of Node was used outside of a simulation')
  return world
}

/** A timer of a simulated process, as setTimeout() and its like return it. */
class SimTimer {
  #cancel: () => void

  constructor(cancel: () => void) {
    this.#cancel = cancel
  }

  cancel(): void {
    this.#cancel()
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/**
 * Puts a world in the place of Node's clock, timers and chance. They go by the process whose code runs; outside of any
 * (the simulator's own code) they are Node's.
 */
export function enter(entered: World): void {
  world = entered
  shareBuffers()
  const inProcess = <T>(simulated: (process: SimProcess, world: World) => T, real: () => T): T => {
    const process = entered.current
    return process === null ? real() : simulated(process, entered)
  }
  const later = (process: SimProcess, ms: number, label: string, run: () => void) =>
    entered.after(process.clock.toWorld(Math.max(MIN_TIMEOUT_MS, ms || 0)), process, label, run)

  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      inProcess<unknown>(
        (process) => {
          const task = later(process, ms, 'timer', () => run(...args))
          return new SimTimer(() => {
            task.isCancelled = true
          })
        },
        () => native.setTimeout(run, ms, ...args),
      ),
    setInterval: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      inProcess<unknown>(
        (process) => {
          let task = later(process, ms, 'interval', again)
          function again() {
            task = later(process, ms, 'interval', again)
            run(...args)
          }
          return new SimTimer(() => {
            task.isCancelled = true
          })
        },
        () => native.setInterval(run, ms, ...args),
      ),
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
      inProcess<unknown>(
        (process) => {
          const task = entered.after(
            entered.randomOf(process.name).next() * TURN_MS,
            process,
            'immediate',
            () => run(...args),
          )
          return new SimTimer(() => {
            task.isCancelled = true
          })
        },
        () => native.setImmediate(run, ...args),
      ),
    clearTimeout: (timer: unknown) => clear(timer, native.clearTimeout),
    clearInterval: (timer: unknown) => clear(timer, native.clearInterval),
    clearImmediate: (timer: unknown) => clear(timer, native.clearImmediate),
  })
  process.nextTick = (run: (...args: unknown[]) => void, ...args: unknown[]) =>
    inProcess<void>(
      () => entered.tick(() => run(...args)),
      () => native.nextTick(run, ...args),
    )
  Math.random = () => inProcess(({ name }) => entered.randomOf(name).next(), native.random)
  Date.now = () => inProcess(({ clock }) => clock.wall(entered.nowMs), native.dateNow)
  define(performance, 'now', () =>
    inProcess(({ clock }) => clock.monotonic(entered.nowMs), native.performanceNow),
  )
  // Nobody here has use for the nanoseconds since a time, nor for bigint().
  define(process, 'hrtime', () =>
    inProcess(({ clock }) => hrtimeOf(clock.monotonic(entered.nowMs)), native.hrtime),
  )
  define(crypto, 'randomUUID', () =>
    inProcess(({ name }) => randomUUID(entered.randomOf(name)), native.randomUUID),
  )
}

/** Node has its own again. */
export function leave(): void {
  world = null
  returnBuffers()
  const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = native
  Object.assign(globalThis, {
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    setImmediate,
    clearImmediate,
  })
  process.nextTick = native.nextTick as typeof process.nextTick
  Math.random = native.random
  Date.now = native.dateNow
  define(performance, 'now', native.performanceNow)
  define(process, 'hrtime', native.hrtime)
  define(crypto, 'randomUUID', native.randomUUID)
}

function clear(timer: unknown, real: (timer: never) => void): void {
  if (timer instanceof SimTimer) timer.cancel()
  else real(timer as never)
}

/** These stand on a prototype; the object gets its own. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}

function hrtimeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1e3)
  return [seconds, Math.round((ms - seconds * 1e3) * 1e6)]
}

/** Unlike any other of this world; nobody reads more into it. */
function randomUUID(random: Random): `${string}-${string}-${string}-${string}-${string}` {
  const hex = (digits: number) =>
    random
      .below(16 ** digits)
      .toString(16)
      .padStart(digits, '0')
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(8)}${hex(4)}`
}
