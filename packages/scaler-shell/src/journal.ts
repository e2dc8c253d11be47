import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Problem, ScalerError } from '@brxy/scaler'

// One JSON file for each launch, in one directory for each owner and route. Everything here is synchronous: a write takes
// tens of microseconds, the spawn beside it milliseconds, and nothing can come between "may I start it" and "it started".

/** What is known of one launch, on disk. Neither its command nor its environment: that holds a token. */
export interface JournalEntry {
  readonly launch: string
  /** claimed: about to be started. started: its process was created. ended: it is over and must not be started again. */
  readonly state: 'claimed' | 'started' | 'ended'
  /** Epoch ms at which it entered the state. */
  readonly since: number
  /** The process, which leads its group; absent if it was never created. */
  readonly pid?: number
  /** When the process started, from `startTimeOf`; absent if it could not be told. */
  readonly startTime?: string
  /** Why it ended; absent if it ended well, or nobody knows. */
  readonly problem?: Problem
}

/** Whose launches a journal holds. */
export interface JournalScope {
  readonly owner: string
  readonly route: string
}

const VERSION = 1

/** The launches of one app, kept where a restarted edge finds them. */
export class Journal {
  readonly #directory: string
  readonly #scope: JournalScope
  readonly #onCorrupt: (file: string, error: unknown) => void
  /** Files that were read, or written here, or are of no use. */
  readonly #seen = new Set<string>()
  #writes = 0

  /**
   * No I/O.
   *
   * @param stateDir created with mode 0700 when the first launch is claimed
   * @param onCorrupt told once of each file that cannot be read; it is skipped
   */
  constructor(stateDir: string, scope: JournalScope, onCorrupt: (file: string, error: unknown) => void) {
    this.#directory = join(stateDir, digest(`${scope.owner}\0${scope.route}`))
    this.#scope = scope
    this.#onCorrupt = onCorrupt
  }

  /**
   * Records, before a launch is started, that it is being started.
   *
   * @returns false if it is recorded already, by whomever: then it must not be started
   * @throws ScalerError `scaler/state` if the directory cannot be written
   */
  claim(entry: JournalEntry): boolean {
    const file = fileOf(entry.launch)
    return this.#attempt(() => {
      const temporary = this.#writeTemporary(file, entry)
      try {
        // link(2), unlike rename(2), fails if the name is taken, so two adapters cannot both succeed.
        linkSync(temporary, join(this.#directory, file))
        this.#seen.add(file)
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
        throw error
      } finally {
        rmSync(temporary, { force: true })
      }
    })
  }

  /** Replaces a launch's record, atomically. @throws ScalerError `scaler/state` */
  write(entry: JournalEntry): void {
    const file = fileOf(entry.launch)
    this.#attempt(() => renameSync(this.#writeTemporary(file, entry), join(this.#directory, file)))
    this.#seen.add(file)
  }

  /** A launch's record as it is now; undefined if there is none that can be read. */
  read(launch: string): JournalEntry | undefined {
    return this.#read(fileOf(launch))
  }

  /** The records that this journal has not seen yet: those of an adapter before or beside it. */
  readNew(): JournalEntry[] {
    let names: string[]
    try {
      names = readdirSync(this.#directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw stateError(this.#directory, error)
    }
    const entries: JournalEntry[] = []
    for (const name of names) {
      if (!name.endsWith('.json') || this.#seen.has(name)) continue
      this.#seen.add(name)
      const entry = this.#read(name)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  /** Forgets a launch. */
  remove(launch: string): void {
    const file = fileOf(launch)
    this.#attempt(() => rmSync(join(this.#directory, file), { force: true }))
    this.#seen.delete(file)
  }

  #read(file: string): JournalEntry | undefined {
    const path = join(this.#directory, file)
    try {
      return parseEntry(readFileSync(path, 'utf8'), this.#scope)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#onCorrupt(path, error)
      return undefined
    }
  }

  #writeTemporary(file: string, entry: JournalEntry): string {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    const temporary = join(this.#directory, `${file}.${process.pid}-${this.#writes++}.tmp`)
    const text = `${JSON.stringify({ version: VERSION, ...this.#scope, ...entry })}\n`
    writeFileSync(temporary, text, { mode: 0o600 })
    return temporary
  }

  #attempt<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw stateError(this.#directory, error)
    }
  }
}

function stateError(directory: string, cause: unknown): ScalerError {
  const message = `cannot keep launches in "${directory}": ${(cause as Error).message}; make it writable`
  return new ScalerError('scaler/state', message, { cause })
}

// Launch ids, owners and routes may hold any character, in any length; file names may not.
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function fileOf(launch: string): string {
  return `${digest(launch)}.json`
}

/** Whose launch the text of a file is about; null if it is none of this version. */
export function scopeOf(text: string): JournalScope | null {
  try {
    const { version, owner, route } = JSON.parse(text) as Record<string, unknown>
    const isScope = version === VERSION && typeof owner === 'string' && typeof route === 'string'
    return isScope ? { owner, route } : null
  } catch {
    return null
  }
}

/** @throws Error if the text is no entry of this version, owner and route */
function parseEntry(text: string, { owner, route }: JournalScope): JournalEntry {
  const { version, ...entry } = JSON.parse(text) as Record<string, unknown>
  if (version !== VERSION) throw new Error(`version ${String(version)} is not ${VERSION}`)
  if (entry.owner !== owner || entry.route !== route) throw new Error('it belongs to another owner or route')
  if (!isEntry(entry)) throw new Error('a field is missing or of the wrong type')
  return entry
}

function isEntry(entry: Record<string, unknown>): entry is Record<string, unknown> & JournalEntry {
  const { launch, state, since, pid, startTime, problem } = entry
  // Signals go to -pid: 0 and 1 would mean this very group, and every process there is.
  const pidIsSane = pid === undefined || (Number.isSafeInteger(pid) && (pid as number) > 1)
  return (
    typeof launch === 'string' &&
    (state === 'claimed' || state === 'started' || state === 'ended') &&
    Number.isSafeInteger(since) &&
    pidIsSane &&
    (startTime === undefined || typeof startTime === 'string') &&
    (problem === undefined || isProblem(problem))
  )
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  const { code, message, final } = value as Record<string, unknown>
  return typeof code === 'string' && typeof message === 'string' && typeof final === 'boolean'
}
