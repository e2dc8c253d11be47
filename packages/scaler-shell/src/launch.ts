import { type ChildProcess, spawn } from 'node:child_process'
import type { Problem } from '@brxy/scaler'
import { LaunchOutput, type StreamName } from './output.ts'
import { type Exit, problemOfSpawn } from './problem.ts'

/** What to run. */
export interface LaunchSpec {
  readonly argv: readonly string[]
  readonly cwd: string | undefined
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/** What becomes of it. */
export interface LaunchEvents {
  onLine(stream: StreamName, line: string): void
  /** It ran and ended. Comes once, after its last output; never after {@link LaunchProcess.release}. */
  onEnd(exit: Exit): void
  /** Both pipes are closed as well, by it and by all that inherited them. */
  onClosed(): void
}

// A process that ended leaves bytes in its pipes, and the reason is usually among them. Whoever inherited the pipes may
// hold them open for ever, so there is a bound.
const LAST_OUTPUT_MS = 500

/** One process that this adapter started, in a session and process group of its own, with its output. */
export class LaunchProcess {
  readonly output: LaunchOutput
  /** Resolves when the process exists, or with the reason why it does not. */
  readonly started: Promise<Problem | undefined>
  readonly #child: ChildProcess | undefined
  #released = false

  constructor({ argv, cwd, env }: LaunchSpec, events: LaunchEvents) {
    this.output = new LaunchOutput((stream, line) => events.onLine(stream, line))
    const [program, ...args] = argv
    try {
      // detached is setsid(2): a closed terminal or ^C is the edge's to handle, and the group can be signalled whole.
      const child = spawn(program, args, {
        ...(cwd === undefined ? {} : { cwd }),
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      this.#child = child
      this.started = new Promise((resolve) => {
        child.once('spawn', () => resolve(undefined))
        // Later errors can only be of kill(), which is not called on the child.
        child.once('error', (error) => resolve(problemOfSpawn(program, cwd, error)))
      })
      if (child.pid !== undefined) this.#watch(child, events)
    } catch (error) {
      // Node throws for what it thinks rare (E2BIG), and emits the rest.
      this.started = Promise.resolve(problemOfSpawn(program, cwd, error as NodeJS.ErrnoException))
    }
  }

  /** The process id, which is the group's as well; undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Lets go of the process, which goes on: frees its handles, so that this process can end. No event comes any more. */
  release(): void {
    this.#released = true
    this.#child?.stdout?.destroy()
    this.#child?.stderr?.destroy()
    this.#child?.unref()
  }

  #watch(child: ChildProcess, events: LaunchEvents): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = child[name]
      stream?.on('data', (chunk: Buffer) => this.output.push(name, chunk))
      stream?.once('end', () => this.output.end(name))
      // Reading failed: there is no more output, and the exit is reported all the same.
      stream?.on('error', () => this.output.end(name))
    }
    child.once('exit', (code, signal) => {
      const closed = () => {
        clearTimeout(timer)
        child.off('close', closed)
        if (!this.#released) events.onEnd({ code, signal })
      }
      const timer = setTimeout(closed, LAST_OUTPUT_MS)
      child.once('close', closed)
    })
    child.once('close', () => {
      if (!this.#released) events.onClosed()
    })
  }
}
