import type { Case } from './case.ts'
import { CASES } from './cases/all.ts'
import type { Driver } from './driver.ts'
import { Stage } from './stage.ts'
import { caseMs, TIMES } from './times.ts'
import { within } from './wait.ts'

/** A test function: `test` of vitest or node:test, `it` of mocha, or another that is called like these. */
export interface TestFunction {
  (name: string, run: () => Promise<void>, timeoutMs?: number): unknown
  skip(name: string, run: () => Promise<void>): unknown
}

/** How the cases reach a test runner. */
export interface Runner {
  readonly test: TestFunction
}

/**
 * Declares every case of the contract as a test of one adapter on one platform: `NAME: what it does`. A case that the
 * driver cannot do is declared as skipped, and its name says why. Run them one after another.
 *
 * Each case has bounds of its own ({@link Driver.times}), makes adapters, routes and a state directory of its own, and
 * cleans up after itself.
 */
export function conformance(driver: Driver, { test }: Runner): void {
  const longestMs = caseMs({ ...TIMES, ...driver.times })
  for (const each of CASES) {
    const name = `${driver.name}: ${each.name}`
    const lack = each.lacks?.(driver)
    if (lack !== undefined) {
      test.skip(`${name} (skipped: ${lack})`, async () => {})
      continue
    }
    // A function, not an arrow: mocha has its timeout in `this`; the others take it behind.
    const run = function (this: unknown): Promise<void> {
      ;(this as { timeout?(ms: number): void } | undefined)?.timeout?.(longestMs)
      return runCase(driver, each)
    }
    test(name, run, longestMs)
  }
}

/** Runs one case from set-up to clean-up. @throws (rejects) with what was expected and what was seen */
export async function runCase(driver: Driver, { name, run }: Case): Promise<void> {
  const stage = new Stage(driver)
  let failure: { readonly error: unknown } | undefined
  try {
    // The time of its clean-up is not part of it.
    await within(`"${name}"`, caseMs(stage.times) - stage.times.patienceMs, run(stage))
  } catch (error) {
    failure = { error }
  }
  // What a failed case leaves behind is its failure's consequence: the cause is reported.
  await stage.clean().catch((error) => {
    failure ??= { error }
  })
  if (failure !== undefined) throw failure.error
}
