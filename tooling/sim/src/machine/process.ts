import type { Endpoint } from '../network/endpoint.ts'
import type { Listener } from '../network/network.ts'
import { Clock } from './clock.ts'
import type { Task } from './event-queue.ts'

/**
 * A simulated operating-system process: a name, a host, clocks, sockets. It can be stopped (SIGSTOP: what happens to it
 * waits), and killed (SIGKILL: the kernel closes its sockets and nothing of it runs any more).
 */
export class SimProcess {
  readonly name: string
  /** Its address on the network. */
  readonly host: string
  readonly clock: Clock
  isAlive = true
  isPaused = false
  /** When it went on after its last stop. */
  resumedAtMs = Number.NEGATIVE_INFINITY
  readonly endpoints = new Set<Endpoint>()
  readonly listeners = new Set<Listener>()
  /** What waits for it to go on. */
  readonly deferred: Task[] = []
  /** Told when it is gone, whatever ended it: its parent, its guard. */
  readonly onGone: (() => void)[] = []

  /** @param rate see {@link Clock} */
  constructor(name: string, host: string, rate = 1) {
    this.name = name
    this.host = host
    this.clock = new Clock(rate)
  }

  get isRunning(): boolean {
    return this.isAlive && !this.isPaused
  }
}
