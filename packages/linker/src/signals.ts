import { closeSync, openSync } from 'node:fs'
import { signalNumber } from './life/signal.ts'

/** What a linker does when it is told something by a signal. */
export interface SignalHandler {
  /** SIGTERM, SIGINT, and the end of its terminal. @param count the how manieth of them it is */
  onEnd(number: number, count: number): void
  /** SIGHUP without a terminal: somebody wants this instance replaced. */
  onReplace(): void
}

/** Signals to this process, kept until somebody can handle them. */
export interface Signals {
  /** @param handler gets those that have come so far, and the later ones */
  handle(handler: SignalHandler): void
  /** Gives the signals their ordinary meaning back. */
  close(): void
}

/**
 * From now on no signal ends the process by itself: one that comes early must not leave an application behind.
 * @param hasTerminal SIGHUP means that the terminal is gone, as it did before it meant anything else
 */
export function onSignals(hasTerminal = hasControllingTerminal()): Signals {
  const early: NodeJS.Signals[] = []
  let count = 0
  let handler: SignalHandler | null = null
  const listen = (name: NodeJS.Signals) => {
    if (handler === null) early.push(name)
    else if (name === 'SIGHUP' && !hasTerminal) handler.onReplace()
    else handler.onEnd(signalNumber(name), ++count)
  }
  const names = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  for (const name of names) process.on(name, listen)
  return {
    handle(next) {
      handler = next
      for (const name of early.splice(0)) listen(name)
    },
    close() {
      for (const name of names) process.off(name, listen)
    },
  }
}

/** Whether a terminal can send SIGHUP to this process. Asked at the start: when the terminal is gone it is too late. */
function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false // ENXIO (tty(4)); ENOENT in an image without devices
  }
}
