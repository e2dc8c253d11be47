import { describe, expect, it, vi } from 'vitest'
import type { SeedsReport } from './commands/seeds.ts'
import { regressionPaths } from './regression.ts'
import type { Outcome } from './run.ts'
import { sim } from './sim.testkit.ts'
import { SOMETIMES } from './sometimes.ts'

// Half a minute where nothing else runs; virtual time has no deadline, and this is only to end at all.
vi.setConfig({ testTimeout: 900_000 })

const SEEDS = 500
const MIN_STEPS = 500_000

describe('histories', () => {
  it(`of ${SEEDS} seeds keep every invariant and come to rest, and everything that can go wrong does`, async () => {
    const { result, said } = await sim<SeedsReport>('--seeds', `${SEEDS}`, '--no-save')
    expect(result.failures, said).toEqual([])
    expect(result.seeds).toBe(SEEDS)
    expect(result.steps).toBeGreaterThan(MIN_STEPS)
    expect(SOMETIMES.filter((what) => result.counts[what] === undefined)).toEqual([])
  })

  it('are the same each time, and others with another seed', async () => {
    const [one, again, other] = [
      await sim<SeedsReport>('--seeds', '15', '--no-save'),
      await sim<SeedsReport>('--seeds', '15', '--no-save'),
      await sim<SeedsReport>('--seeds', '15', '--first', '100', '--no-save'),
    ]
    expect(again.result.hash).toBe(one.result.hash)
    expect(other.result.hash).not.toBe(one.result.hash)
  })

  it.each(regressionPaths().map((path) => [path.replace(/^.*\//, ''), path]))(
    'that failed once do not any more: %s',
    async (_name, path) => {
      const { result, said } = await sim<Outcome>('--replay', path)
      expect(result.failure, said).toBeNull()
    },
  )
})
