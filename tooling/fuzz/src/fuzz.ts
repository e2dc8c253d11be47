import { readCorpus, type Saved, saveCase } from './corpus.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

/** Failures after which a target is left alone: more would tell the same. */
const MAX_FAILURES = 10
/** Synchronous cases between two looks at the clock. */
const STRIDE = 32

export interface FuzzOptions {
  /** For each target. */
  readonly ms: number
  readonly seed: number
  /** Where failures are kept. They are run first. */
  readonly corpus: string
  /** Whether new failures are written there. */
  readonly saves: boolean
  /** Told of each case before it is run, for whoever wants to know which one took the process with it. */
  readonly onCase?: (saved: Saved) => void
}

export interface Failure {
  /** Seed of the case: `--seed` with it makes the case the first one. */
  readonly seed: number
  readonly message: string
  /** Where the case was kept, or came from; '' if nowhere. */
  readonly file: string
}

/** What became of one target. */
export interface Report {
  readonly target: string
  readonly seed: number
  readonly executions: number
  readonly replayed: number
  readonly tookMs: number
  readonly perSecond: number
  readonly counts: Readonly<Record<string, number>>
  readonly failures: readonly Failure[]
}

/** Runs a target on what failed before, then on what chance makes until the time is over. */
export async function fuzz<Case>(target: Target<Case>, options: FuzzOptions): Promise<Report> {
  const failures: Failure[] = []
  const since = performance.now()
  const corpus = readCorpus(options.corpus, target.name)
  for (const { file, saved } of corpus) {
    const message = await attempt(target, saved.case as Case)
    if (message !== null) failures.push({ seed: saved.seed, message, file })
  }
  let executions = corpus.length
  let { seed } = options
  while (failures.length < MAX_FAILURES) {
    if (executions % STRIDE === 0 || performance.now() - since > options.ms) {
      if (performance.now() - since > options.ms && executions > corpus.length) break
      // Whoever waits for a socket, a signal or a test's timeout gets a turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const fuzzed = target.make(new Random(seed))
    options.onCase?.({ target: target.name, error: 'the process ended', seed, case: fuzzed })
    const message = await attempt(target, fuzzed)
    executions++
    if (message !== null) {
      const saved = { target: target.name, error: message, seed, case: fuzzed }
      failures.push({ seed, message, file: options.saves ? saveCase(options.corpus, saved) : '' })
    }
    seed = (seed + 1) >>> 0
  }
  const tookMs = performance.now() - since
  return {
    target: target.name,
    seed: options.seed,
    executions,
    replayed: corpus.length,
    tookMs: Math.round(tookMs),
    perSecond: Math.round((executions / tookMs) * 1000),
    counts: { ...target.counts },
    failures,
  }
}

/** @returns what did not hold; null if all did */
async function attempt<Case>(target: Target<Case>, fuzzed: Case): Promise<string | null> {
  try {
    await target.run(fuzzed)
    return null
  } catch (error) {
    return error instanceof Error
      ? `${error.message}\n${error.stack?.split('\n').slice(1, 4).join('\n')}`
      : `${error}`
  }
}
