import { assert, BrxyError } from '@brxy/protocol'
import { Cron } from 'croner'

/** Hours in which instances are kept running although nobody asks for them. */
export interface KeepWarmWindow {
  /**
   * When it opens: `minute hour day-of-month month day-of-week` as in crontab(5), for example `0 8 * * 1-5`. Names
   * (`MON-FRI`) and croner's `L`, `W`, `#` and `+` are understood; seconds, years and nicknames (`@daily`) are not.
   */
  readonly cron: string
  /**
   * For how long it stays open, at least 1. Elapsed time: ten hours are ten hours also on a day that has 23.
   * Where it is longer than the time from one opening to the next, the window does not close.
   */
  readonly forMs: number
  /** Instances kept while it is open. */
  readonly min: number
  /** The IANA time zone that `cron` is read in, for example `Europe/Berlin`; by default the machine's. */
  readonly tz?: string | undefined
}

/**
 * How many instances the clock asks for (DESIGN section 7). A calculator: it is handed the wall-clock time and keeps
 * none, so a clock that jumps does no harm. Each call costs O(windows), about 0.1 ms for each of them.
 *
 * When clocks change, openings follow Vixie cron: one with a fixed hour and minute that the day leaves out happens
 * right after the gap, and one that the day has twice happens the first time. Openings every so often (`*` or a step
 * in hour or minute) go by what the clock on the wall shows, twice where it shows it twice.
 */
export class KeepWarm {
  readonly #windows: readonly Window[]

  /** @throws BrxyError `edge/bad-cron` for a `cron` or a `tz` that cannot be read */
  constructor(windows: readonly KeepWarmWindow[]) {
    this.#windows = windows.map((window) => new Window(window))
  }

  /** The greatest `min` of the windows that are open; 0 if none is. @param epochMs wall-clock time */
  minAt(epochMs: number): number {
    let min = 0
    for (const window of this.#windows) if (window.isOpen(epochMs)) min = Math.max(min, window.min)
    return min
  }

  /**
   * Until when minAt() stays what it is at `epochMs`: ask both again then. It may be the same then, and this may be
   * years ahead, or Infinity if nothing will ever open or close.
   */
  nextChange(epochMs: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const window of this.#windows) next = Math.min(next, window.nextChange(epochMs))
    return next
  }
}

/** One window, read and checked. */
class Window {
  readonly min: number
  readonly #cron: Cron
  readonly #forMs: number

  constructor({ cron, forMs, min, tz }: KeepWarmWindow) {
    assert(forMs >= 1 && Number.isFinite(forMs), 'a keep-warm window is open for a while')
    this.min = min
    this.#forMs = forMs
    this.#cron = parseCron(cron, parseTimeZone(tz))
  }

  /** From the very start of a window until, but not at, its end. */
  isOpen(epochMs: number): boolean {
    return this.#opensAfter(epochMs - this.#forMs) <= epochMs
  }

  nextChange(epochMs: number): number {
    const opening = this.#opensAfter(epochMs)
    // The earliest opening whose time is not up, if the window is open.
    const opened = this.#opensAfter(epochMs - this.#forMs)
    if (opened > epochMs) return opening
    // It opens again before it would close: a window that is longer than its period need not be looked at each time.
    return (opening <= opened + this.#forMs ? opening : opened) + this.#forMs
  }

  /** Strictly after. Infinity for never, for example `0 0 30 2 *`. */
  #opensAfter(epochMs: number): number {
    return this.#cron.nextRun(new Date(epochMs))?.getTime() ?? Number.POSITIVE_INFINITY
  }
}

/** Without a function to call, croner sets no timers. */
function parseCron(text: string, timezone: string): Cron {
  try {
    // croner also reads nicknames and dates, which have fewer words.
    if (text.trim().split(/\s+/).length !== 5) throw new TypeError('it does not have five fields')
    return new Cron(text, { mode: '5-part', timezone, fixedTimeRule: 'no-wildcard' })
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^CronPattern: /, '').replace(/\.$/, '')
    throw new BrxyError(
      'edge/bad-cron',
      `cannot read the keep-warm cron '${text}': ${reason}; expected are five fields, ` +
        "minute hour day-of-month month day-of-week, for example '0 8 * * 1-5'",
      { cause },
    )
  }
}

/** By its name even if it is the machine's, for croner goes other ways, with other mistakes, without one. */
function parseTimeZone(timeZone: string | undefined): string {
  try {
    return new Intl.DateTimeFormat('en', timeZone === undefined ? {} : { timeZone }).resolvedOptions()
      .timeZone
  } catch (cause) {
    throw new BrxyError(
      'edge/bad-cron',
      `unknown time zone '${timeZone}' of a keep-warm window: expected is an IANA name, for example 'Europe/Berlin'`,
      { cause },
    )
  }
}
