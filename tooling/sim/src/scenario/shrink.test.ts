import { expect, it } from 'vitest'
import { generate } from './generate.ts'
import { shrink } from './shrink.ts'

it('leaves out all that a failure does not need', async () => {
  const scenario = generate(4)
  const needed = scenario.requests.slice(2, 4).map(({ id }) => id)
  expect(scenario.faults.length).toBeGreaterThan(1)
  const [fault] = scenario.faults.slice(-1)
  let attempts = 0
  const small = await shrink(scenario, async ({ requests, faults }) => {
    attempts++
    return needed.every((id) => requests.some((request) => request.id === id)) && faults.includes(fault)
  })
  expect(small.requests.map(({ id }) => id)).toEqual(needed)
  expect(small.faults).toEqual([fault])
  expect(small.network.fragments).toBe(0)
  expect(attempts).toBeLessThanOrEqual(400)
})

it('gives back what it got if nothing can be left out', async () => {
  const scenario = generate(4)
  expect(await shrink(scenario, async () => false)).toBe(scenario)
})
