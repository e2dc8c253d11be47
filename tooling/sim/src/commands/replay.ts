import { type Outcome, run } from '../run.ts'
import type { Scenario } from '../scenario/scenario.ts'

export interface ReplayOptions {
  /** The whole journal, and not only its end. */
  readonly traces: boolean
  readonly maxSteps: number
  readonly say: (line: string) => void
}

/** Runs one history and shows it. */
export async function replay(scenario: Scenario, { traces, maxSteps, say }: ReplayOptions): Promise<Outcome> {
  const outcome = await run(scenario, {
    keepsLines: true,
    ...(maxSteps === 0 ? {} : { maxSteps }),
    ...(traces ? { onLine: say } : {}),
  })
  const { failure } = outcome
  if (failure !== null) {
    if (!traces) for (const line of failure.trace) say(line)
    say(`FAILED at step ${failure.step}: ${failure.invariant}: ${failure.message}`)
  }
  say(
    `seed ${outcome.seed}: ${outcome.steps} steps, ${Math.round(outcome.tookMs / 1000)} s, hash ${outcome.hash}`,
  )
  return outcome
}
