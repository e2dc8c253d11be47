import { describe, expect, it } from 'vitest'
import type { Case } from './case.ts'
import { runCase } from './conformance.ts'
import type { Driver } from './driver.ts'
import type { CountedScaler } from './fake/counted.testkit.ts'
import { countedDriver, namedDriver } from './fake/driver.testkit.ts'
import type { NamedScaler } from './fake/named.testkit.ts'

/** An honest adapter with one bug, and the case that has to catch it, for its reason. */
export interface Planted {
  readonly bug: string
  /** Begins the name of the case. */
  readonly caught: string
  /** What the failure says. */
  readonly says: RegExp
  readonly driver: Driver
}

/** What an honest adapter does in milliseconds is not waited for very long. */
const TIMES = { patienceMs: 500, problemMs: 500, watchMs: 60, settleMs: 60, abortMs: 250, pollMs: 5 }

/** A driver of the fake platform with a broken adapter for named launches. */
export const named = (Broken: typeof NamedScaler): Driver =>
  namedDriver((platform, host) => new Broken(platform, host))

/** The same for counted replicas. */
export const counted = (removal: Driver['removal'], Broken: typeof CountedScaler): Driver =>
  countedDriver(removal, (platform, host, isOrdered) => new Broken(platform, host, isOrdered))

/** Declares a test for each planted bug, and one that no case is left without a bug that it catches. */
export function catches(cases: readonly Case[], planted: readonly Planted[]): void {
  describe('the kit catches an adapter that', () => {
    it.each(planted)('$bug', async ({ caught, says, driver }) => {
      const found = cases.filter(({ name }) => name.startsWith(caught))
      expect(found.map(({ name }) => name)).toHaveLength(1)
      const [each] = found
      expect(each.lacks?.(driver)).toBeUndefined()
      const patient = { ...driver, times: { ...driver.times, ...TIMES } }
      await expect(runCase(patient, each)).rejects.toThrow(says)
    })
  })

  it('has no case that catches nothing', () => {
    const idle = cases.filter(({ name }) => !planted.some(({ caught }) => name.startsWith(caught)))
    // Those of the problems differ in a word.
    expect(idle.map(({ name }) => name).filter((name) => !name.startsWith('tells the problem'))).toEqual([])
  })
}
