import { expect, it } from 'vitest'
import { openSinceMs } from './liveness.ts'

const HEALED_MS = 30_000

const open = (sentAtMs: number) => ({ sentAtMs, outcome: null })
const left = (sentAtMs: number) => ({ sentAtMs, outcome: { kind: 'left' } as const })

it('a request has its time from when it was sent, whatever its client had to wait for before that', () => {
  expect(openSinceMs([left(31_000), left(200_000), open(429_000)], HEALED_MS)).toBe(429_000)
})

it('one that was sent before everything was healed has it from then on', () => {
  expect(openSinceMs([open(5_000)], HEALED_MS)).toBe(HEALED_MS)
})

it('the one that is open for longest is late first, however many are sent after it', () => {
  expect(openSinceMs([open(40_000), open(429_000), left(31_000)], HEALED_MS)).toBe(40_000)
})

it('none is late while none is open', () => {
  expect(openSinceMs([left(31_000)], HEALED_MS)).toBe(Number.POSITIVE_INFINITY)
})
