import { Network, type NetworkProfile } from '../network/network.ts'
import { Random } from '../random.ts'
import { EventQueue, type Task } from './event-queue.ts'
import { Journal } from './journal.ts'
import { nextTurn } from './native.ts'
import type { SimProcess } from './process.ts'
import { PromiseWatch } from './promises.ts'

/**
 * A world with one clock, one source of chance and one queue of what is to happen. Whatever runs in it, runs because a
 * task of the queue says so; nothing real is waited for. So one seed is one history.
 */
export class World {
  /** Virtual time since the beginning, in milliseconds. It moves from task to task. */
  nowMs = 0
  /** Tasks that were done. */
  steps = 0
  /** Whose step the last one was. */
  last: SimProcess | null = null
  /** Whose code runs now. The stand-ins for Node ask it whose clock, timers and sockets are meant. */
  current: SimProcess | null = null
  readonly #seed: number
  readonly #randoms = new Map<string, Random>()
  readonly journal = new Journal()
  readonly network: Network
  readonly #queue = new EventQueue()
  readonly #promises = new PromiseWatch()
  readonly #ticks: { readonly process: SimProcess; readonly run: () => void }[] = []
  readonly #onCrash: (process: SimProcess | null, error: unknown) => void
  #orders = 0

  /** @param onCrash an exception that nobody caught: it would have ended a real process */
  constructor(
    seed: number,
    profile: NetworkProfile,
    onCrash: (process: SimProcess | null, error: unknown) => void,
  ) {
    this.#seed = seed
    this.network = new Network(this, profile)
    this.#onCrash = onCrash
  }

  /**
   * Chance for one purpose. Each has its own, so that what one of them draws does not change what happens to the others: a
   * history with one fault less is like the one with it, up to there.
   */
  randomOf(purpose: string): Random {
    let random = this.#randoms.get(purpose)
    if (random === undefined) {
      let mixed = this.#seed
      for (let at = 0; at < purpose.length; at++)
        mixed = Math.imul(mixed, 0x01000193) ^ purpose.charCodeAt(at)
      random = new Random(mixed)
      this.#randoms.set(purpose, random)
    }
    return random
  }

  /** Plans a task. @param ifStopped see {@link Task} */
  at(
    atMs: number,
    process: SimProcess | null,
    label: string,
    run: () => void,
    ifStopped: (() => void) | null = null,
  ): Task {
    const task: Task = {
      atMs: Math.max(atMs, this.nowMs),
      order: ++this.#orders,
      process,
      label,
      run,
      ifStopped,
      isCancelled: false,
    }
    this.#queue.push(task)
    return task
  }

  after(ms: number, process: SimProcess | null, label: string, run: () => void): Task {
    return this.at(this.nowMs + ms, process, label, run)
  }

  /** `process.nextTick` of the current process. */
  tick(run: () => void): void {
    this.#ticks.push({ process: this.current as SimProcess, run })
  }

  /**
   * Does the next task, and what follows from it at once. If promises were touched, `isUnsettled` says so, and settle() has
   * to follow.
   * @returns false if there is nothing to do any more
   */
  step(): boolean {
    for (;;) {
      const task = this.#queue.pop()
      if (task === null) return false
      if (task.isCancelled) continue
      const { process } = task
      if (process !== null && !process.isRunning && task.ifStopped === null) {
        if (process.isAlive) process.deferred.push(task)
        continue
      }
      this.nowMs = task.atMs
      this.steps++
      this.last = process
      this.journal.step(task.atMs, task.label)
      if (process !== null && !process.isRunning) {
        task.ifStopped?.()
        return true
      }
      this.current = process
      this.#attempt(process, task.run)
      this.#runTicks()
      if (!this.#promises.isActive) this.current = null
      return true
    }
  }

  get isUnsettled(): boolean {
    return this.#promises.isActive
  }

  /** Node's order: after the callback and its ticks come its promises, the ticks of those, and so on. */
  async settle(): Promise<void> {
    do {
      await nextTurn()
      this.#promises.isActive = false
      this.#runTicks()
    } while (this.#promises.isActive)
    this.current = null
  }

  /** It has ended: nothing of it runs any more. */
  close(): void {
    this.#promises.stop()
  }

  /** Calls something as if the process did, and what it leaves for later follows with the next task of that process. */
  within<T>(process: SimProcess, call: () => T): T {
    const before = this.current
    this.current = process
    try {
      return call()
    } finally {
      this.current = before
    }
  }

  /** A line of the journal. */
  note(who: string, what: () => string): void {
    this.journal.note(this.nowMs, who, what)
  }

  pause(process: SimProcess): void {
    process.isPaused = true
  }

  /** What waited happens now, in its order: timers that are late, bytes that have come meanwhile. */
  resume(process: SimProcess): void {
    if (!process.isPaused) return
    process.isPaused = false
    process.resumedAtMs = this.nowMs
    for (const task of process.deferred.splice(0)) {
      if (!task.isCancelled) this.at(this.nowMs, process, task.label, task.run, task.ifStopped)
    }
    for (const endpoint of process.endpoints) endpoint.wake()
  }

  /** It is no more. @param silently the machine is gone as well: nobody hears of it */
  kill(process: SimProcess, silently = false): void {
    if (!process.isAlive) return
    process.isAlive = false
    process.deferred.length = 0
    for (const listener of process.listeners) this.network.close(listener)
    for (const endpoint of [...process.endpoints]) {
      if (silently) endpoint.vanish()
      else endpoint.close()
    }
    for (const tell of process.onGone.splice(0)) tell()
  }

  #runTicks(): void {
    for (let at = 0; at < this.#ticks.length; at++) {
      const { process, run } = this.#ticks[at]
      if (!process.isAlive) continue
      this.current = process
      this.#attempt(process, run)
    }
    this.#ticks.length = 0
  }

  #attempt(process: SimProcess | null, body: () => void): void {
    try {
      body()
    } catch (error) {
      this.#onCrash(process, error)
    }
  }
}
