import { beforeEach, expect, it } from 'vitest'
import { Placeholders } from './placeholders.ts'

let missing: Placeholders
beforeEach(() => {
  missing = new Placeholders('web/missing/')
})

it('are the same as long as they are missing', () => {
  expect(missing.of(2)).toEqual(['web/missing/0', 'web/missing/1'])
  expect(missing.of(1)).toEqual(['web/missing/0'])
  expect(missing.of(0)).toEqual([])
})

it('are never those again that were given up, nor those that have come', () => {
  missing.of(3)
  missing.giveUp(new Set(['web/missing/1', 'pod-7']))
  expect(missing.of(3)).toEqual(['web/missing/0', 'web/missing/2', 'web/missing/3'])
  missing.of(1)
  expect(missing.of(2)).toEqual(['web/missing/0', 'web/missing/4'])
})
