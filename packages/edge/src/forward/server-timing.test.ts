import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serverTiming } from './server-timing.ts'

const START = { askedMs: 1_000, connectedMs: 1_050, readyMs: 1_080 }

it('says nothing of a request that did not wait', () => {
  expect(serverTiming(0, 1_000, START)).toBe('')
  expect(serverTiming(0.4, 1_000, null)).toBe('')
})

it('says how long a request waited for instances that ran', () => {
  expect(serverTiming(12.6, 1_000, null)).toBe('brxy-hold;dur=13')
  expect(serverTiming(12, 1_080, START)).toBe('brxy-hold;dur=12')
})

it('divides the wait for a start that the request caused', () => {
  expect(serverTiming(85, 998, START)).toBe('brxy-hold;dur=85, brxy-launch;dur=50, brxy-listen;dur=30')
})

it('counts of a start only what came after the request', () => {
  expect(serverTiming(65, 1_020, START)).toBe('brxy-hold;dur=65, brxy-launch;dur=30, brxy-listen;dur=30')
  expect(serverTiming(25, 1_060, START)).toBe('brxy-hold;dur=25, brxy-launch;dur=0, brxy-listen;dur=20')
})

it('never tells of more than the whole', () => {
  const ms = fc.double({ min: 0, max: 1e5, noNaN: true })
  fc.assert(
    fc.property(ms, ms, ms, ms, ms, (askedMs, launchMs, listenMs, since, lateMs) => {
      const readyMs = askedMs + launchMs + listenMs
      const start = { askedMs, connectedMs: askedMs + launchMs, readyMs }
      const servedMs = Math.max(readyMs, since) + lateMs
      const [hold = 0, launch = 0, listen = 0] = [
        ...serverTiming(servedMs - since, since, start).matchAll(/dur=(\d+)/g),
      ].map(([, text]) => Number(text))
      expect(launch).toBeGreaterThanOrEqual(0)
      expect(listen).toBeGreaterThanOrEqual(0)
      expect(launch + listen).toBeLessThanOrEqual(hold)
    }),
  )
})
