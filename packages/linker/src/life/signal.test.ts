import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { signalNumber } from './signal.ts'

test('numbers signals as the system does', () => {
  for (const name of ['SIGHUP', 'SIGINT', 'SIGABRT', 'SIGKILL', 'SIGSEGV', 'SIGPIPE', 'SIGTERM'] as const)
    expect(signalNumber(name)).toBe(constants.signals[name])
})

test('an unknown signal is 0', () => {
  expect(signalNumber('SIGNOPE')).toBe(0)
})
