import { expect, it } from 'vitest'
import { Throttle } from './throttle.ts'

it('lets one through at a time, and tells how many it left out', () => {
  const throttle = new Throttle(100)
  expect(throttle.pass(5)).toBe(0)
  expect([throttle.pass(5), throttle.pass(104)]).toEqual([-1, -1])
  expect(throttle.pass(105)).toBe(2)
  expect(throttle.pass(300)).toBe(0)
})
