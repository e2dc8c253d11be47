import type { Host, Instance, Problem } from '@brxy/scaler'
import { EndedLaunches } from './ended.ts'
import { Journal, type JournalEntry } from './journal.ts'
import { LaunchProcess, type LaunchSpec } from './launch.ts'
import { isAlive, isGroupAlive, startTimeOf } from './liveness.ts'
import { type Exit, problemOfExit } from './problem.ts'

/** How often a launch of another adapter's, whose end nobody reports, is looked at. */
const ADOPTED_POLL_MS = 1_000
/** How often it is looked whether a process group that was told to end is gone. */
const REMOVAL_POLL_MS = 50
/** A claim without a process for so long was left by an adapter that died between the two. */
const CLAIM_MS = 10_000

/** What one adapter has to free when it is closed. */
export interface Registry {
  readonly active: Set<{ close(): void }>
  isClosed: boolean
}

/** A launch that may have live processes. */
interface Live {
  readonly entry: JournalEntry
  /** Absent: it was started by an adapter before or beside this one. */
  readonly process: LaunchProcess | undefined
  /** Once it is being removed: when its group gets SIGKILL, on the monotonic clock. */
  readonly killAtMs?: number
}

/** The launches of one route: starts each at most once, says what became of it, and removes it. */
export class Launches {
  readonly route: string
  readonly #host: Host
  readonly #registry: Registry
  readonly #journal: Journal
  readonly #live = new Map<string, Live>()
  readonly #ended = new EndedLaunches()
  /** Processes whose handles are held; one that ended stays while somebody holds its pipes open. */
  readonly #handles = new Set<LaunchProcess>()
  #timer: NodeJS.Timeout | undefined

  /** No I/O. */
  constructor(route: string, host: Host, registry: Registry) {
    this.route = route
    this.#host = host
    this.#registry = registry
    this.#journal = new Journal(host.stateDir, { owner: host.owner, route }, (file, error) =>
      host.log('warn', 'launch record skipped', { route, file, reason: String(error) }),
    )
  }

  get isClosed(): boolean {
    return this.#registry.isClosed
  }

  /** Takes over the launches in the journal that are not known here, and looks at those whose end nobody reports. */
  refresh(): void {
    for (const entry of this.#journal.readNew()) {
      if (this.#live.has(entry.launch)) continue
      if (entry.state === 'ended') {
        this.#ended.add(entry, [])
      } else {
        this.#live.set(entry.launch, { entry, process: undefined })
        this.#log('info', 'launch adopted', entry.launch, { pid: entry.pid })
      }
    }
    for (const launch of this.#ended.prune(Date.now())) this.#attempt(() => this.#journal.remove(launch))
    this.#look()
  }

  /**
   * Starts a launch that was never started before; nothing otherwise. Resolves when its process exists, or it is known why
   * it cannot.
   *
   * @throws ScalerError `scaler/state` if that it was started could not be remembered
   */
  async start(launch: string, spec: LaunchSpec): Promise<void> {
    if (this.#live.has(launch) || this.#ended.isSpent(launch)) return
    const claimed: JournalEntry = { launch, state: 'claimed', since: Date.now() }
    // false: an adapter beside this one was faster; refresh() finds its record.
    if (!this.#journal.claim(claimed)) return this.refresh()
    const process = new LaunchProcess(spec, {
      onLine: (stream, line) => this.#log('info', line, launch, { stream, output: true }),
      onEnd: (exit) => this.#onEnd(launch, spec.argv[0], process, exit),
      onClosed: () => {
        this.#handles.delete(process)
        this.#schedule()
      },
    })
    if (process.pid === undefined) this.#ended.spend(launch)
    else this.#onStart(launch, process, process.pid)
    const problem = await process.started
    if (problem !== undefined) this.#end(claimed, problem, [])
  }

  /** Sees to it that a launch does not exist, and never will. Unknown ones are a success. */
  remove(launch: string, killAfterMs: number): void {
    const live = this.#live.get(launch)
    if (live?.killAtMs !== undefined) return
    const entry = live?.entry ?? this.#ended.get(launch)
    this.#ended.spend(launch)
    if (entry === undefined) return
    // A launch that ended may have left processes in its group.
    if (entry.pid === undefined || !isGroupAlive(entry.pid, entry.startTime)) {
      this.#forget(launch)
      return
    }
    this.#ended.delete(launch)
    this.#live.set(launch, { entry, process: live?.process, killAtMs: performance.now() + killAfterMs })
    this.#signal(entry.pid, 'SIGTERM', launch)
    this.#schedule()
  }

  /** All that exist, and those that ended with a problem that is still remembered. */
  instances(): Instance[] {
    const instances: Instance[] = []
    for (const { entry } of this.#live.values()) {
      const state = entry.state === 'claimed' ? 'starting' : 'running'
      instances.push({ id: entry.launch, launch: entry.launch, state, since: entry.since })
    }
    for (const { launch, since, problem } of this.#ended.values()) {
      // Status 0 is no failure: a scheduler has accepted, or an instance has done its work. Absent is not failed.
      if (problem !== undefined) instances.push({ id: launch, launch, state: 'ended', since, problem })
    }
    return instances
  }

  /** Whether it is a process that runs. */
  isLive(launch: string): boolean {
    return this.#live.has(launch)
  }

  /** The last lines of a launch; empty for one that was adopted or is not known. */
  output(launch: string): readonly string[] {
    return this.#live.get(launch)?.process?.output.lines() ?? this.#ended.output(launch)
  }

  /** Frees every handle; the launches go on. */
  close(): void {
    clearTimeout(this.#timer)
    for (const process of this.#handles) process.release()
    this.#handles.clear()
    this.#live.clear()
    this.#registry.active.delete(this)
  }

  #onStart(launch: string, process: LaunchProcess, pid: number): void {
    const startTime = startTimeOf(pid)
    const known = startTime === undefined ? { pid } : { pid, startTime }
    const entry: JournalEntry = { launch, state: 'started', since: Date.now(), ...known }
    this.#live.set(launch, { entry, process })
    this.#handles.add(process)
    this.#attempt(() => this.#journal.write(entry))
    this.#log('info', 'launch started', launch, { pid })
    this.#schedule()
  }

  #onEnd(launch: string, program: string, process: LaunchProcess, { code, signal }: Exit): void {
    const live = this.#live.get(launch)
    if (live === undefined) return
    this.#log('info', 'launch process ended', launch, { pid: process.pid, status: code, signal })
    if (live.killAtMs !== undefined) {
      // What was told to end is over when its whole group is; how it ended is no problem.
      this.#look()
      return
    }
    const problem = problemOfExit(program, { code, signal }, process.output.stderrTail())
    this.#end(live.entry, problem, process.output.lines())
  }

  #end(entry: JournalEntry, problem: Problem | undefined, output: readonly string[]): void {
    const { launch } = entry
    const why = problem === undefined ? {} : { problem }
    const ended: JournalEntry = { ...entry, state: 'ended', since: Date.now(), ...why }
    this.#live.delete(launch)
    this.#ended.add(ended, output)
    this.#attempt(() => this.#journal.write(ended))
    if (problem !== undefined) {
      this.#log('warn', 'launch failed', launch, { code: problem.code, reason: problem.message })
    }
    this.#schedule()
    this.#host.changed(this.route)
  }

  #forget(launch: string): void {
    this.#live.delete(launch)
    this.#ended.delete(launch)
    this.#attempt(() => this.#journal.remove(launch))
    this.#schedule()
  }

  #look(): void {
    for (const live of this.#live.values()) {
      if (live.killAtMs !== undefined) this.#lookAtRemoved(live.entry, live.killAtMs)
      else if (live.process === undefined) this.#lookAtAdopted(live.entry)
    }
    this.#schedule()
  }

  #lookAtRemoved({ launch, pid, startTime }: JournalEntry, killAtMs: number): void {
    if (pid !== undefined && isGroupAlive(pid, startTime)) {
      if (performance.now() >= killAtMs) this.#signal(pid, 'SIGKILL', launch)
      return
    }
    this.#forget(launch)
    this.#log('info', 'launch removed', launch, {})
    this.#host.changed(this.route)
  }

  #lookAtAdopted(entry: JournalEntry): void {
    if (entry.pid !== undefined && isAlive(entry.pid, entry.startTime)) return
    const now = this.#journal.read(entry.launch)
    if (now?.state === 'started' && entry.state === 'claimed') {
      this.#live.set(entry.launch, { entry: now, process: undefined })
    } else if (now?.state === 'claimed') {
      if (Date.now() - now.since >= CLAIM_MS) this.#end(now, ABANDONED, [])
    } else {
      // Only its parent can tell how it ended. That may have been another adapter; otherwise nobody knows, and a launch
      // that is absent is not one that failed.
      this.#end(now ?? entry, now?.problem, [])
    }
  }

  /** Sets the one timer to what is being waited for, and registers this route while it has something to free. */
  #schedule(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.isClosed) return
    if (this.#live.size === 0 && this.#handles.size === 0) {
      this.#registry.active.delete(this)
      return
    }
    this.#registry.active.add(this)
    const all = [...this.#live.values()]
    if (all.some((live) => live.killAtMs !== undefined)) {
      this.#timer = setTimeout(() => this.#look(), REMOVAL_POLL_MS)
    } else if (all.some((live) => live.process === undefined)) {
      // Watching what goes on by itself is no reason for an edge to stay.
      this.#timer = setTimeout(() => this.#look(), ADOPTED_POLL_MS).unref()
    }
  }

  #signal(group: number, name: NodeJS.Signals, launch: string): void {
    try {
      process.kill(-group, name)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ESRCH')
        this.#log('warn', 'launch cannot be signalled', launch, { group, signal: name, code })
    }
  }

  // After the claim a record only serves a later adapter: without it this one goes on, and says so.
  #attempt(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#host.log('error', 'launch record not kept', {
        route: this.route,
        reason: (error as Error).message,
      })
    }
  }

  #log(level: 'info' | 'warn', message: string, launch: string, fields: object): void {
    this.#host.log(level, message, { route: this.route, launch, ...fields })
  }
}

const ABANDONED: Problem = {
  code: 'unavailable',
  message: 'the edge ended while it was starting this launch',
  final: true,
}
