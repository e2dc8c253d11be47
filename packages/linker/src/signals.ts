import { signalNumber } from './life/signal.ts'

/** What ends a linker. A SIGHUP drains too, until instances can be replaced. */
const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Signals to this process, kept until somebody can handle them. */
export interface Signals {
  /** @param handler gets those that have come so far, and the later ones: its number, and the how manieth it is. */
  handle(handler: (number: number, count: number) => void): void
  /** Gives the signals their ordinary meaning back. */
  close(): void
}

/** From now on no signal ends the process by itself: one that comes early must not leave an application behind. */
export function onSignals(): Signals {
  const early: number[] = []
  let count = 0
  let handler: ((number: number, count: number) => void) | null = null
  const listen = (name: NodeJS.Signals) => {
    const number = signalNumber(name)
    if (handler === null) early.push(number)
    else handler(number, ++count)
  }
  for (const name of ENDING) process.on(name, listen)
  return {
    handle(next) {
      handler = next
      for (const number of early.splice(0)) next(number, ++count)
    },
    close() {
      for (const name of ENDING) process.off(name, listen)
    },
  }
}
