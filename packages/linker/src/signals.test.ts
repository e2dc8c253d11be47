import { afterEach, expect, test } from 'vitest'
import { onSignals, type Signals } from './signals.ts'

let signals: Signals | null = null
afterEach(() => signals?.close())

/** What a linker would have done. */
function heard(): { readonly log: string[]; onEnd(number: number, count: number): void; onReplace(): void } {
  const log: string[] = []
  return {
    log,
    onEnd: (number, count) => void log.push(`end ${number}, ${count}`),
    onReplace: () => void log.push('replace'),
  }
}

test('SIGHUP without a terminal asks for a replacement, and does not count as a signal that ends', () => {
  const handler = heard()
  signals = onSignals(false)
  signals.handle(handler)
  process.emit('SIGHUP', 'SIGHUP')
  process.emit('SIGTERM', 'SIGTERM')
  process.emit('SIGHUP', 'SIGHUP')
  process.emit('SIGINT', 'SIGINT')
  expect(handler.log).toEqual(['replace', 'end 15, 1', 'replace', 'end 2, 2'])
})

test('SIGHUP with a terminal is its end', () => {
  const handler = heard()
  signals = onSignals(true)
  signals.handle(handler)
  process.emit('SIGHUP', 'SIGHUP')
  expect(handler.log).toEqual(['end 1, 1'])
})

test('what comes early is kept, in order', () => {
  const handler = heard()
  signals = onSignals(false)
  process.emit('SIGHUP', 'SIGHUP')
  process.emit('SIGTERM', 'SIGTERM')
  signals.handle(handler)
  expect(handler.log).toEqual(['replace', 'end 15, 1'])
})
