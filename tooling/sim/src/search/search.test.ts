import { expect, it, vi } from 'vitest'
import { sim } from '../sim.testkit.ts'
import type { SearchReport } from './search.ts'

vi.setConfig({ testTimeout: 900_000 })

it('no order of events makes a ledger and a broker lose a slot, lend one twice, or forget a request', async () => {
  const { result, said } = await sim<SearchReport[]>('--search')
  for (const { failure } of result) expect(failure, said).toBeNull()
  // All that there is was seen, and it is not little.
  for (const { isExhausted } of result) expect(isExhausted).toBe(true)
  expect(result.reduce((sum, { states }) => sum + states, 0)).toBeGreaterThan(10_000)
})
