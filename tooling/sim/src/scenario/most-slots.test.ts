import { expect, it } from 'vitest'
import { generate } from './generate.ts'
import { mostSlots } from './most-slots.ts'

it('is what one scenario says, also if another one has the same app', () => {
  const scenario = { ...generate(1), requests: [], faults: [] }
  const [plan] = scenario.apps
  const put = { ...scenario, faults: [{ atMs: 0, kind: 'put slots' as const, which: 0, slots: 99 }] }
  expect([put, scenario, put].map((each) => mostSlots(each, plan))).toEqual([99, plan.slots, 99])
})
