import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Scenario } from './scenario/scenario.ts'

/** A history that has failed once, as small as it could be made. */
export interface Regression {
  readonly invariant: string
  readonly message: string
  readonly scenario: Scenario
}

/** Where they are kept: tooling/sim/regressions, seen from this file as it is built. */
export const REGRESSIONS = fileURLToPath(new URL('../regressions/', import.meta.url))

export function readRegression(path: string): Regression {
  return JSON.parse(readFileSync(path, 'utf8')) as Regression
}

/** All that are kept, by their paths. */
export function regressionPaths(): string[] {
  return readdirSync(REGRESSIONS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(REGRESSIONS, name))
}

/** @returns its path */
export function saveRegression(regression: Regression): string {
  mkdirSync(REGRESSIONS, { recursive: true })
  const name = regression.invariant.replace(/[^a-z]+/gi, '-').slice(0, 40)
  const path = join(REGRESSIONS, `${name}-${regression.scenario.seed}.json`)
  writeFileSync(path, `${JSON.stringify(regression, null, 1)}\n`)
  return path
}
