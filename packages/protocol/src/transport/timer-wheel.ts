/** Something that wants to be called at a time. Links and place belong to the wheel. */
export class WheelTimer {
  readonly onDue: (nowMs: number) => void
  atMs = Number.POSITIVE_INFINITY
  slot = -1
  next: WheelTimer | null = null
  previous: WheelTimer | null = null

  /** @param onDue called once per set(), at `atMs` or up to a wheel tick later. */
  constructor(onDue: (nowMs: number) => void) {
    this.onDue = onDue
  }
}

const SLOTS = 512

/**
 * One coarse timer for many deadlines: a request arms and disarms its timeouts without touching Node's timers.
 * Entries hang in the slot of their deadline, modulo the wheel; one more than a turn away is looked at once a
 * turn. Nothing runs while the wheel is empty, and the process may exit while it is not.
 */
export class TimerWheel {
  readonly #tickMs: number
  readonly #now: () => number
  readonly #slots: (WheelTimer | null)[] = new Array(SLOTS).fill(null)
  #count = 0
  /** Ticks up to and including this one have been handled. */
  #done: number
  #timeout: NodeJS.Timeout | null = null
  #wakeTick = Number.POSITIVE_INFINITY

  /** @param tickMs how late a timer may be. @param now monotonic milliseconds. */
  constructor(tickMs = 20, now: () => number = () => performance.now()) {
    this.#tickMs = tickMs
    this.#now = now
    this.#done = Math.floor(now() / tickMs)
  }

  get now(): () => number {
    return this.#now
  }

  /** Timers that are set. */
  get size(): number {
    return this.#count
  }

  /** Sets or moves a timer; Infinity clears it. */
  set(timer: WheelTimer, atMs: number): void {
    if (timer.slot >= 0) {
      if (timer.atMs === atMs) return
      this.#unlink(timer)
    }
    timer.atMs = atMs
    if (atMs === Number.POSITIVE_INFINITY) return
    const tick = Math.max(Math.ceil(atMs / this.#tickMs), this.#done + 1)
    const slot = tick % SLOTS
    const head = this.#slots[slot]
    timer.slot = slot
    timer.next = head
    timer.previous = null
    if (head !== null) head.previous = timer
    this.#slots[slot] = timer
    this.#count++
    if (tick < this.#wakeTick) this.#wakeAt(tick)
  }

  clear(timer: WheelTimer): void {
    if (timer.slot >= 0) this.#unlink(timer)
    timer.atMs = Number.POSITIVE_INFINITY
  }

  /** Stops for good. */
  close(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#timeout = null
    this.#wakeTick = -1
  }

  #unlink(timer: WheelTimer): void {
    if (timer.previous === null) this.#slots[timer.slot] = timer.next
    else timer.previous.next = timer.next
    if (timer.next !== null) timer.next.previous = timer.previous
    timer.slot = -1
    timer.next = null
    timer.previous = null
    this.#count--
  }

  #wakeAt(tick: number): void {
    if (this.#wakeTick === -1) return
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#wakeTick = tick
    // At most a turn: run() looks again, and setTimeout takes no more than 2^31 - 1.
    const delay = Math.min(Math.max(1, Math.ceil(tick * this.#tickMs - this.#now())), SLOTS * this.#tickMs)
    this.#timeout = setTimeout(() => this.#run(), delay)
    this.#timeout.unref()
  }

  #run(): void {
    this.#timeout = null
    this.#wakeTick = Number.POSITIVE_INFINITY
    const nowMs = this.#now()
    const until = Math.floor(nowMs / this.#tickMs)
    // After a long stop each slot needs only one look.
    let tick = Math.max(this.#done + 1, until - SLOTS + 1)
    this.#done = until
    const due: WheelTimer[] = []
    for (; tick <= until; tick++) {
      let timer = this.#slots[tick % SLOTS]
      while (timer !== null) {
        const next: WheelTimer | null = timer.next
        if (timer.atMs <= nowMs) {
          this.#unlink(timer)
          due.push(timer)
        }
        timer = next
      }
    }
    this.#call(due, nowMs)
  }

  /** Called after the sweep, for a callback may set and clear timers, also those that are due with it. */
  #call(due: readonly WheelTimer[], nowMs: number): void {
    let called = 0
    try {
      while (called < due.length) {
        const timer = due[called++]
        // A callback before this one set it anew (it is linked) or cleared it (it has no time).
        if (timer.slot >= 0 || timer.atMs > nowMs) continue
        timer.atMs = Number.POSITIVE_INFINITY
        timer.onDue(nowMs)
      }
    } finally {
      // A callback threw: the others are due at the next tick, and the wheel turns on.
      for (; called < due.length; called++) {
        const timer = due[called]
        if (timer.slot < 0 && timer.atMs <= nowMs) this.set(timer, timer.atMs)
      }
      if (this.#count > 0) this.#wakeAt(this.#nextTick())
    }
  }

  /** The next slot with an entry, at most one turn away. */
  #nextTick(): number {
    for (let tick = this.#done + 1; tick <= this.#done + SLOTS; tick++) {
      if (this.#slots[tick % SLOTS] !== null) return tick
    }
    return this.#done + SLOTS
  }
}
