import { INVARIANTS } from './invariants/all.ts'
import { Liveness } from './liveness.ts'
import { leave } from './machine/globals.ts'
import type { Scenario } from './scenario/scenario.ts'
import { Simulation } from './simulation.ts'

/** A history that is longer is going round in circles. */
const MAX_STEPS = 1_000_000

/** What became of one history. */
export interface Outcome {
  readonly seed: number
  readonly steps: number
  /** Virtual. */
  readonly tookMs: number
  /** The same for the same scenario and the same code. */
  readonly hash: string
  readonly counts: ReadonlyMap<string, number>
  readonly failure: Failure | null
}

export interface Failure {
  readonly invariant: string
  readonly message: string
  readonly step: number
  readonly atMs: number
  /** The last lines of the journal. */
  readonly trace: readonly string[]
}

export interface RunOptions {
  readonly maxSteps?: number
  /** Whether a failure comes with the last lines of the journal. They cost time. */
  readonly keepsLines?: boolean
  /** Told of each line of the journal. */
  readonly onLine?: (line: string) => void
}

const TRACE_LINES = 60

/** Runs a scenario to its end, or to the first thing that is wrong. */
export async function run(scenario: Scenario, options: RunOptions = {}): Promise<Outcome> {
  const simulation = new Simulation(scenario)
  const { world, chronicle, statuses } = simulation
  world.journal.isKept = options.keepsLines ?? false
  world.journal.onLine = options.onLine ?? null
  const liveness = new Liveness(simulation)
  const maxSteps = options.maxSteps ?? MAX_STEPS
  for (const { name, watch } of INVARIANTS)
    watch?.(simulation, (message) => chronicle.violated(name, message))
  const onRejection = (error: unknown) => simulation.rejected(error)
  process.on('unhandledRejection', onRejection)
  try {
    while (chronicle.violations.length === 0 && !liveness.isDone) {
      if (!world.step()) break
      if (world.isUnsettled) await world.settle()
      if (world.last === null || simulation.isEdge(world.last)) statuses.stale()
      for (const { name, check } of INVARIANTS) {
        const message = check?.(simulation) ?? null
        if (message !== null) chronicle.violated(name, message)
      }
      const late = liveness.look(world.nowMs)
      if (late !== null) chronicle.violated(late.name, late.message)
      if (world.steps >= maxSteps) {
        if (options.maxSteps === undefined) chronicle.violated('it ends', `not after ${world.steps} steps`)
        break
      }
    }
  } finally {
    world.close()
    leave()
    process.off('unhandledRejection', onRejection)
  }
  const [first] = chronicle.violations
  const { steps, nowMs, journal } = world
  return {
    seed: scenario.seed,
    steps,
    tookMs: nowMs,
    hash: journal.hash,
    counts: chronicle.counts,
    failure:
      first === undefined ? null : { ...first, step: steps, atMs: nowMs, trace: journal.last(TRACE_LINES) },
  }
}
