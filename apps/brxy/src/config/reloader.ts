import type { Edge, ReloadReport } from '@brxy/edge'
import { isBrxyError } from '@brxy/protocol'
import type { LogEvent } from '../log/event.ts'
import { changesBetween } from './change.ts'
import { type ConfigPlaces, type LoadedConfig, loadConfig } from './load.ts'
import { ConfigError, formatWarning } from './problem.ts'

/** What decides how the process runs, so that only a new process can change it. */
const FIXED = ['stateDir', 'owner', 'log', 'requests'] as const

/** What the status of an edge says of its file. */
export interface ConfigStatus {
  readonly file: string
  /** When what is in force was read, ISO 8601. */
  readonly loadedAt: string
  /** Why what the file says by now is not in force, a line each. */
  readonly problems: readonly string[]
}

/** Puts the configuration file in force again and again, one time after the other, and says what came of it. */
export class Reloader {
  readonly #places: ConfigPlaces
  readonly #write: (event: LogEvent) => void
  #inForce: LoadedConfig
  #last: Promise<unknown> = Promise.resolve()
  #loadedAt = new Date()
  /** What is wrong with the file that was read last; empty if it is in force. */
  #problems: readonly string[] = []

  constructor(places: ConfigPlaces, inForce: LoadedConfig, write: (event: LogEvent) => void) {
    this.#places = places
    this.#inForce = inForce
    this.#write = write
  }

  get inForce(): LoadedConfig {
    return this.#inForce
  }

  /** For the status of the edge: which file, since when, and why a newer one is not in force. */
  describe(): ConfigStatus {
    return { file: this.#places.file ?? '', loadedAt: this.#loadedAt.toISOString(), problems: this.#problems }
  }

  /**
   * Never rejects: with an error nothing has changed, and the report says what is wrong.
   *
   * @param isRetry the same problems as before are not logged again
   */
  reload(edge: Edge, isRetry = false): Promise<ReloadReport> {
    const report = this.#last.then(() => this.#reload(edge, isRetry))
    this.#last = report
    return report
  }

  async #reload(edge: Edge, isRetry: boolean): Promise<ReloadReport> {
    try {
      const next = await loadConfig(this.#places)
      assertSameProcess(this.#inForce, next)
      await edge.reload(next.configuration)
      const changes = changesBetween(this.#inForce, next)
      this.#inForce = next
      this.#loadedAt = new Date()
      this.#problems = []
      this.#write({ type: 'reloaded', changes })
      const warnings = next.warnings.map(formatWarning)
      for (const problem of warnings) this.#write({ type: 'config-warning', problem })
      return { ok: true, changes, warnings }
    } catch (error) {
      const problems = problemsOf(error)
      if (!isRetry || problems.join() !== this.#problems.join())
        this.#write({ type: 'reload-failed', problems })
      this.#problems = problems
      return { ok: false, problems }
    }
  }
}

/** @throws ConfigError */
function assertSameProcess(before: LoadedConfig, { collected, source }: LoadedConfig): void {
  const problems = FIXED.filter((name) => before.collected.values[name] !== collected.values[name]).map(
    (name) => ({
      file: source?.file ?? '',
      ...(source?.position([name], 'value') ?? { line: 0, column: 0 }),
      path: name,
      message: 'cannot change while the edge runs; restart it, or put the old value back',
    }),
  )
  if (problems.length > 0) throw new ConfigError(problems)
}

/** For people, a line each. */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.message.split('\n')
  const text = error instanceof Error ? error.message : String(error)
  return [isBrxyError(error) ? `${text} (${error.code})` : text]
}
