import { type SocketWriter, type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import { type AppAddress, AppConnection } from './app-connection.ts'

/** After this time without a first byte the application may be waiting on an idle connection of ours. */
const SILENT_MS = 100
/** Unsafe methods use only connections idle for less than this: an application may be closing older ones. */
const FRESH_MS = 200

/**
 * The connections to one application, of which the idle ones are used again. Few and short-lived on purpose: a
 * single-threaded server serves one connection at a time, and an idle one of ours would keep it from the next.
 */
export class AppPool {
  readonly #address: AppAddress
  readonly #idleMs: number
  readonly #writer: SocketWriter
  readonly #wheel: TimerWheel
  /** Longest idle first. No more than there are slots. */
  readonly #idle: AppConnection[] = []
  readonly #all = new Set<AppConnection>()
  readonly #oldTimer: WheelTimer
  readonly #silenceTimer: WheelTimer
  readonly #onIdleClose = (connection: AppConnection) => this.#drop(connection)

  /** @param idleMs an idle connection is closed after this time */
  constructor(address: AppAddress, idleMs: number, writer: SocketWriter, wheel: TimerWheel) {
    this.#address = address
    this.#idleMs = idleMs
    this.#writer = writer
    this.#wheel = wheel
    this.#oldTimer = new WheelTimer((nowMs) => this.#closeOld(nowMs))
    this.#silenceTimer = new WheelTimer((nowMs) => this.#closeForSilent(nowMs))
  }

  /** Connections that wait for a request. */
  get idleCount(): number {
    return this.#idle.length
  }

  /** A connection for one request; `reusable` says whether it may be one that was used before. */
  take(isSafe: boolean, reusable: boolean): AppConnection {
    const nowMs = this.#wheel.now()
    let connection = this.#idle[this.#idle.length - 1]
    if (connection !== undefined && reusable && (isSafe || nowMs - connection.idleSinceMs < FRESH_MS)) {
      this.#idle.pop()
    } else {
      connection = new AppConnection(this.#address, this.#writer, this.#onIdleClose)
      this.#all.add(connection)
    }
    this.#watchSilence(nowMs)
    return connection
  }

  /** The connection is clean: the next request may use it. */
  put(connection: AppConnection): void {
    if (connection.isOver) return this.#drop(connection)
    const nowMs = this.#wheel.now()
    connection.release(nowMs)
    this.#idle.push(connection)
    if (this.#oldTimer.slot < 0) this.#wheel.set(this.#oldTimer, nowMs + this.#idleMs)
    this.#watchSilence(nowMs)
  }

  /** The connection is not to be used again. */
  discard(connection: AppConnection): void {
    connection.destroy()
    this.#drop(connection)
  }

  close(): void {
    this.#wheel.clear(this.#oldTimer)
    this.#wheel.clear(this.#silenceTimer)
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
    this.#closeIdleSince(nowMs - this.#idleMs)
    if (this.#idle.length > 0) this.#wheel.set(this.#oldTimer, this.#idle[0].idleSinceMs + this.#idleMs)
  }

  #closeIdleSince(ms: number): void {
    while (this.#idle.length > 0 && this.#idle[0].idleSinceMs <= ms) this.discard(this.#idle[0])
  }

  /** One connection is idle and another is in use: what is in use may be what the application cannot get to. */
  #watchSilence(nowMs: number): void {
    const isMixed = this.#idle.length > 0 && this.#all.size > this.#idle.length
    if (isMixed && this.#silenceTimer.slot < 0) this.#wheel.set(this.#silenceTimer, nowMs + SILENT_MS)
  }

  /** Runs at most once in SILENT_MS, and only while some connection is idle. */
  #closeForSilent(nowMs: number): void {
    let oldestMs = Number.POSITIVE_INFINITY
    // Idle ones have answered their last request.
    for (const { hasAnswered, usedSinceMs } of this.#all)
      if (!hasAnswered && usedSinceMs < oldestMs) oldestMs = usedSinceMs
    if (oldestMs === Number.POSITIVE_INFINITY) return
    if (oldestMs + SILENT_MS > nowMs) {
      this.#wheel.set(this.#silenceTimer, oldestMs + SILENT_MS)
      return
    }
    this.#closeIdleSince(nowMs - SILENT_MS)
    if (this.#idle.length > 0) this.#wheel.set(this.#silenceTimer, this.#idle[0].idleSinceMs + SILENT_MS)
  }
}
