import { describe, expect, it } from 'vitest'
import { SlotCount } from './slot-count.ts'

describe('the number of slots', () => {
  it('is what was asked for last', () => {
    const slots = new SlotCount(2)
    expect(slots.count).toBe(2)
    slots.want(5)
    expect(slots.count).toBe(5)
    slots.want(0)
    expect(slots.count).toBe(0)
  })

  it('is the smaller one of the wish and the limit, whichever came last', () => {
    const slots = new SlotCount(4)
    slots.limit(3)
    expect(slots.count).toBe(3)
    slots.want(8)
    expect(slots.count).toBe(3)
    slots.want(2)
    expect(slots.count).toBe(2)
    slots.want(8)
    slots.limit(100)
    expect(slots.count, 'a limit that is lifted gives the wish back').toBe(8)
  })

  it('is 0 by a wish, and never by a limit', () => {
    const slots = new SlotCount(4)
    slots.limit(0)
    expect(slots.count).toBe(1)
    slots.want(0)
    expect(slots.count).toBe(0)
  })
})

describe('what a response says', () => {
  it.each([
    ['1', 1],
    ['65535', 65_535],
    ['007', 7],
  ])('%s is heeded', (value, count) => {
    const slots = new SlotCount(3)
    expect(slots.heed(value)).toBeNull()
    expect(slots.count).toBe(count)
  })

  it.each(['0', '65536', '-1', '1.5', '1e3', '', ' 1', '4, 5', '0x4', '100000'])('%j is ignored', (value) => {
    const slots = new SlotCount(3)
    expect(slots.heed(value)).toBe(
      `the application's Brxy-Slots is no whole number from 1 to 65535, and ignored: "${value}"`,
    )
    expect(slots.count).toBe(3)
    expect(slots.heed(value), 'said once').toBeNull()
    slots.heed('5')
    expect(slots.count).toBe(5)
  })

  it('is no reason to go beyond the limit', () => {
    const slots = new SlotCount(1)
    slots.limit(2)
    slots.heed('9')
    expect(slots.count).toBe(2)
    expect(slots.limitNotice(2)).toBe(
      'the application takes 2 requests at a time over HTTP/2; 2 of 9 slots are lent',
    )
  })
})
