import { type SocketWriter, type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import { type AppAddress, AppConnection } from './app-connection.ts'

/** After this time without a first byte the application may be waiting on an idle connection of ours. */
const SILENT_MS = 100
/** Unsafe methods use only connections idle for less than this: an application may be closing older ones. */
const FRESH_MS = 200

/**
 * The idle connections to one application. Small and short-lived on purpose: a single-threaded server serves one
 * connection at a time, and an idle one of ours would keep it from the next.
 */
export class AppPool {
  readonly #address: AppAddress
  readonly #idleMs: number
  readonly #writer: SocketWriter
  readonly #wheel: TimerWheel
  readonly #idle: AppConnection[] = []
  readonly #all = new Set<AppConnection>()
  readonly #timer: WheelTimer
  readonly #silence: WheelTimer
  readonly #onIdleClose = (connection: AppConnection) => this.#drop(connection)

  constructor(address: AppAddress, idleMs: number, writer: SocketWriter, wheel: TimerWheel) {
    this.#address = address
    this.#idleMs = idleMs
    this.#writer = writer
    this.#wheel = wheel
    this.#timer = new WheelTimer((nowMs) => this.#closeOld(nowMs))
    this.#silence = new WheelTimer(() => this.#closeForSilent())
  }

  /** A connection for one request; `reusable` says whether it may be one that was used before. */
  take(isSafe: boolean, reusable: boolean): AppConnection {
    const newest = this.#idle[this.#idle.length - 1]
    if (newest !== undefined && reusable && (isSafe || this.#wheel.now() - newest.idleSinceMs < FRESH_MS)) {
      this.#idle.pop()
      return newest
    }
    const connection = new AppConnection(this.#address, this.#writer, this.#onIdleClose)
    this.#all.add(connection)
    // The others are idle and this one may be what the application cannot get to.
    if (this.#idle.length > 0) this.#wheel.set(this.#silence, this.#wheel.now() + SILENT_MS)
    return connection
  }

  /** The connection is clean: the next request may use it. */
  put(connection: AppConnection): void {
    if (connection.isOver) return this.#drop(connection)
    const nowMs = this.#wheel.now()
    connection.release(nowMs)
    this.#idle.push(connection)
    if (this.#timer.slot < 0) this.#wheel.set(this.#timer, nowMs + this.#idleMs)
  }

  /** The connection is not to be used again. */
  discard(connection: AppConnection): void {
    connection.destroy()
    this.#drop(connection)
  }

  close(): void {
    this.#wheel.clear(this.#timer)
    this.#wheel.clear(this.#silence)
    for (const connection of this.#all) connection.destroy()
    this.#all.clear()
    this.#idle.length = 0
  }

  #drop(connection: AppConnection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #closeOld(nowMs: number): void {
    while (this.#idle.length > 0 && this.#idle[0].idleSinceMs + this.#idleMs <= nowMs)
      this.discard(this.#idle[0])
    if (this.#idle.length > 0) this.#wheel.set(this.#timer, this.#idle[0].idleSinceMs + this.#idleMs)
  }

  #closeForSilent(): void {
    for (const connection of this.#all) {
      if (connection.hasAnswered || this.#idle.includes(connection)) continue
      for (const idle of [...this.#idle]) this.discard(idle)
      break
    }
  }
}
