import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { monotonicMs } from '../monotonic.ts'
import { withPort } from './argv.ts'
import { appEnvironment } from './environment.ts'
import type { AppError } from './errors.ts'
import { isFailing } from './failing.ts'
import { isGroupRunning, signalGroup } from './group.ts'
import type { Guard } from './guard.ts'
import { notRunnable } from './not-runnable.ts'
import { type PreparedApp, prepareApp, release } from './prepared.ts'
import { OutputTail } from './tail.ts'

/** How the application's first process ended: by a status or by a signal; the other one is null. */
export interface AppExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StartAppOptions {
  /** The command and its arguments; `{port}` in any of them becomes the port. */
  readonly argv: readonly string[]
  /** Becomes `PORT` in the application's environment. */
  readonly port: number
  /** The linker's environment; the application gets it without brxy's secrets (environment.ts). */
  readonly env: NodeJS.ProcessEnv
  /** Default: the linker's working directory. */
  readonly cwd?: string
  /** Begun before the port was known; given back if there is no application. Default: made now. */
  readonly prepared?: Promise<PreparedApp>
  /** Gets every byte of output as it comes; the chunk belongs to it. It cannot slow the application down. */
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** Gets a line for the operator when the application will not die with its linker (guard.ts). */
  onNotice?(line: string): void
}

/** One running application: a process in a session of its own, and what it started. */
export interface AppProcess {
  /** The process id of the application's first process, which is the id of its process group too. */
  readonly pid: number
  /** The first process is gone, and what it printed has been handed to `onOutput`. Never rejects. */
  readonly exited: Promise<AppExit>
  /**
   * Ends the application and what it has started: SIGTERM to the process group, SIGKILL to what is left of it after
   * `killAfterMs`. Also for an application that has ended by itself, for it may have left children behind.
   *
   * Idempotent; a later call can only shorten the wait (a second ^C: `stop(0)`). Processes that moved to another
   * session are out of reach.
   *
   * @param killAfterMs 0 or more
   * @returns when the whole group is gone, or 2 s after SIGKILL at the latest: then `{ code: null, signal: 'SIGKILL' }`
   *   if even the first process could not be removed (it hangs in the kernel)
   */
  stop(killAfterMs: number): Promise<AppExit>
  /** The first process is ending, or has ended, by a signal or with a status other than 0. */
  isFailing(): boolean
  /** Forwards a signal to the first process only, as an init would; nothing happens once it is gone. */
  signal(name: NodeJS.Signals): void
  /** The last 4 KiB of output, both streams in the order of arrival. */
  tail(): string
}

// Children that outlive the first process may hold its output open for ever. What it wrote itself is in the pipe
// already when it ends, so this has to cover reading that, and the last words of children that die with it.
const LAST_OUTPUT_MS = 100
// SIGKILL works at once except on a process that hangs in the kernel (a dead NFS server), which nobody can wait for.
const KILLED_MS = 2_000
// While it is being stopped the group is polled, for nothing reports the end of a grandchild.
const POLL_MS = 15

/**
 * Starts the application, guarded (guard.ts), with no stdin: in a session of its own there is no terminal to read.
 *
 * @throws AppError (as a rejection) `link/app-not-found`, `link/app-not-executable`, `link/app-argv-empty`
 */
export async function startApp(options: StartAppOptions): Promise<AppProcess> {
  const prepared = await (options.prepared ?? prepareApp((line) => options.onNotice?.(line)))
  const { pipes, guard } = prepared
  let argv: string[]
  try {
    argv = withPort(options.argv, options.port)
  } catch (error) {
    release(prepared)
    throw error
  }
  const command = argv[0] as string
  let child: ChildProcess
  try {
    child = spawn(command, argv.slice(1), {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      detached: true, // setsid: ^C and a closed terminal are the linker's to handle
      env: appEnvironment(options.env, options.port),
      stdio: ['ignore', ...pipes.stdio],
    })
  } catch (cause) {
    release(prepared)
    throw notRunnable(command, options.cwd, cause as NodeJS.ErrnoException)
  }
  if (child.pid === undefined) {
    release(prepared)
    throw await failure(child, command, options.cwd)
  }
  guard.watch(child.pid)
  return new RunningApp(child, child.pid, pipes.readers(child), guard, options)
}

/** Why there is no process; Node reports it in the next tick. */
function failure(child: ChildProcess, command: string, cwd: string | undefined): Promise<AppError> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve(notRunnable(command, cwd, cause)))
  })
}

class RunningApp implements AppProcess {
  readonly pid: number
  readonly exited: Promise<AppExit>
  readonly #child: ChildProcess
  readonly #outputs: readonly Socket[]
  readonly #guard: Guard
  readonly #tail = new OutputTail()
  #leaderGone = false
  // Once the group is empty its id may be given to somebody else's process: from then on it is never used again.
  #groupGone = false
  #killAt = Number.POSITIVE_INFINITY
  #stopping: Promise<AppExit> | undefined

  /** @param outputs stdout, then stderr */
  constructor(
    child: ChildProcess,
    pid: number,
    outputs: readonly Socket[],
    guard: Guard,
    options: StartAppOptions,
  ) {
    this.#child = child
    this.#outputs = outputs
    this.pid = pid
    this.#guard = guard

    let openOutputs = outputs.length
    let onLastOutput = () => {}
    for (const [index, output] of outputs.entries()) {
      const name = index === 0 ? 'stdout' : 'stderr'
      output.on('data', (chunk: Buffer) => {
        this.#tail.push(chunk)
        options.onOutput(name, chunk)
      })
      output.on('error', () => {}) // ECONNRESET: the other end of a killed process; 'close' follows
      output.on('close', () => {
        openOutputs--
        if (openOutputs === 0) onLastOutput()
      })
    }
    child.on('error', () => {}) // a signal that could not be sent; stop() finds out by itself

    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#leaderGone = true
        this.#checkGroup()
        const grace = setTimeout(resolve, LAST_OUTPUT_MS, { code, signal })
        onLastOutput = () => {
          clearTimeout(grace)
          resolve({ code, signal })
        }
        if (openOutputs === 0) onLastOutput()
      })
    })
  }

  stop(killAfterMs: number): Promise<AppExit> {
    this.#killAt = Math.min(this.#killAt, monotonicMs() + killAfterMs)
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  isFailing(): boolean {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return exitCode !== 0
    return isFailing(this.pid)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  tail(): string {
    return this.#tail.toString()
  }

  async #stop(): Promise<AppExit> {
    this.#signalGroup('SIGTERM')
    await this.#untilGone(() => this.#killAt)
    this.#signalGroup('SIGKILL')
    const giveUpAt = monotonicMs() + KILLED_MS
    await this.#untilGone(() => giveUpAt)
    this.#guard.dismiss()
    const exit = this.#leaderGone ? await this.exited : ({ code: null, signal: 'SIGKILL' } as const)
    // A process that left the group may still hold the other end; it must not keep the linker's event loop alive.
    for (const output of this.#outputs) output.destroy()
    return exit
  }

  #signalGroup(name: NodeJS.Signals): void {
    if (!this.#groupGone) signalGroup(this.pid, name)
  }

  async #untilGone(deadline: () => number): Promise<void> {
    while (!this.#checkGroup() && monotonicMs() < deadline()) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  /** Whether the whole application is gone; the guard is, with it. */
  #checkGroup(): boolean {
    // The first process is asked for by its exit event: until Node has reaped it, it is in its group as a zombie.
    if (!this.#groupGone && this.#leaderGone && !isGroupRunning(this.pid)) {
      this.#groupGone = true
      this.#guard.dismiss()
    }
    return this.#groupGone
  }
}
