import { expect, it } from 'vitest'
import { ResetAllowance } from './reset-allowance.ts'

it('allows a burst, then so many a second, and saves no more than a burst', () => {
  const allowance = new ResetAllowance(3, 10, 1_000)
  const spend = (count: number, nowMs: number) =>
    Array.from({ length: count }, () => allowance.spend(nowMs)).filter((isAllowed) => isAllowed).length
  expect(spend(5, 1_000)).toBe(3)
  expect(spend(5, 1_050)).toBe(0)
  expect(spend(5, 1_100)).toBe(1)
  expect(spend(5, 1_300)).toBe(2)
  expect(spend(5, 60_000)).toBe(3)
})
