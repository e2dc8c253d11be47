import { type Regression, saveRegression } from '../regression.ts'
import { type Outcome, run } from '../run.ts'
import { generate } from '../scenario/generate.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { shrink } from '../scenario/shrink.ts'

/** Failures after which the rest would tell the same. */
const MAX_FAILURES = 10
/** How often it is told how far it is. */
const PROGRESS_MS = 5_000

export interface SeedsOptions {
  readonly first: number
  readonly count: number
  /** 0: as the seed says. */
  readonly edges: number
  /** No history is longer; 0: as long as it takes. */
  readonly maxSteps: number
  /** Whether failures are made small and kept. */
  readonly saves: boolean
  /** Whether the first failure is enough. */
  readonly stopsEarly: boolean
  readonly say: (line: string) => void
}

export interface SeedFailure {
  readonly seed: number
  readonly invariant: string
  readonly message: string
  readonly step: number
  /** Where it is kept; '' if nowhere. */
  readonly file: string
}

/** What became of many histories. */
export interface SeedsReport {
  readonly first: number
  readonly seeds: number
  readonly steps: number
  /** Of the world's, in seconds. */
  readonly virtualSeconds: number
  readonly tookMs: number
  readonly stepsPerSecond: number
  /** Over the hashes of all histories. */
  readonly hash: string
  readonly counts: Readonly<Record<string, number>>
  readonly failures: readonly SeedFailure[]
}

/** Runs the histories of seeds, one after another. */
export async function runSeeds(options: SeedsOptions): Promise<SeedsReport> {
  const { first, count, edges, say } = options
  const limit = options.maxSteps === 0 ? {} : { maxSteps: options.maxSteps }
  const counts = new Map<string, number>()
  const failures: SeedFailure[] = []
  const since = performance.now()
  let toldMs = since
  let steps = 0
  let virtualMs = 0
  let hash = 0n
  let seeds = 0
  for (let seed = first; seed < first + count && failures.length < MAX_FAILURES; seed++) {
    const scenario = generate(seed, edges)
    const outcome = await run(scenario, limit)
    seeds++
    steps += outcome.steps
    virtualMs += outcome.tookMs
    hash = BigInt.asUintN(64, hash * 31n + BigInt(`0x${outcome.hash}`))
    for (const [what, times] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    if (outcome.failure !== null) {
      failures.push(await report(scenario, outcome, options))
      if (options.stopsEarly) break
    }
    const nowMs = performance.now()
    if (nowMs - toldMs > PROGRESS_MS) {
      toldMs = nowMs
      const rate = Math.round((steps / (nowMs - since)) * 1000)
      say(`${seeds} of ${count} seeds, ${steps} steps, ${rate}/s, ${failures.length} failures`)
    }
  }
  const tookMs = performance.now() - since
  return {
    first,
    seeds,
    steps,
    virtualSeconds: Math.round(virtualMs / 1000),
    tookMs: Math.round(tookMs),
    stepsPerSecond: Math.round((steps / tookMs) * 1000),
    hash: hash.toString(16).padStart(16, '0'),
    counts: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    failures,
  }
}

/** Says what is wrong with a history, makes it small, and keeps it. */
async function report(scenario: Scenario, outcome: Outcome, options: SeedsOptions): Promise<SeedFailure> {
  const { seed } = scenario
  const { invariant, message, step } = outcome.failure as NonNullable<Outcome['failure']>
  const { say } = options
  let file = ''
  say(`FAILED seed ${seed}, step ${step}: ${invariant}: ${message}`)
  if (options.saves) {
    const fails = async (candidate: Scenario) => (await run(candidate)).failure?.invariant === invariant
    const small = await shrink(scenario, fails)
    const again = await run(small, { keepsLines: true })
    const { failure } = again
    for (const line of failure?.trace ?? []) say(`  ${line}`)
    say(`  shrunk to ${small.requests.length} requests, ${small.faults.length} faults, ${again.steps} steps`)
    const regression: Regression = { invariant, message: failure?.message ?? message, scenario: small }
    file = saveRegression(regression)
    say(`  pnpm sim --replay ${file}`)
  }
  say(`  pnpm sim --seed ${seed}${options.edges === 0 ? '' : ` --edges ${options.edges}`}`)
  return { seed, invariant, message, step, file }
}
