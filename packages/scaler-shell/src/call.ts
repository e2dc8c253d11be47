import { ScalerError } from '@brxy/scaler'
import { LaunchProcess, type LaunchSpec } from './launch.ts'
import type { Registry } from './launches.ts'
import { isGroupAlive, startTimeOf } from './liveness.ts'
import type { StreamName } from './output.ts'
import { type Exit, problemOfExit } from './problem.ts'

/** Lines of stdout that a call may write: more than instances of an app are ever needed. */
export const MAX_CALL_LINES = 10_000
/** Characters of stdout that a call may write. */
export const MAX_CALL_LENGTH = 4 * 1_024 * 1_024
/** From SIGTERM to SIGKILL of a call that is given up: time to finish the step that it is at. */
const KILL_AFTER_MS = 5_000
/** How often it is looked whether a call that was given up is gone. */
const GONE_POLL_MS = 20

export interface CallOptions {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly registry: Registry
  /** Receives what it writes to stderr. */
  onError(line: string): void
}

/** A command that was run. */
export interface Called {
  /** The lines of its stdout. */
  readonly result: Promise<readonly string[]>
  /** Resolves when none of its processes is left, which may be later if it was given up. */
  readonly gone: Promise<void>
}

/**
 * Runs a command to its end, in a session of its own.
 *
 * Whoever waits for it is told at once when it is given up. Its first process then gets SIGTERM, which a script may trap to
 * finish what it is at, and after 5 s its whole group SIGKILL.
 *
 * @throws (rejects) ScalerError `scaler/unavailable` if it cannot run, ends with another status than 0, writes too much, or takes
 *   longer than `timeoutMs`; `scaler/aborted`, `scaler/closed`
 */
export function call(spec: LaunchSpec, options: CallOptions): Called {
  let onGone: () => void
  const gone = new Promise<void>((resolve) => {
    onGone = resolve
  })
  const result = new Promise<readonly string[]>((resolve, reject) => {
    new Call(spec, options, resolve, reject, () => onGone())
  })
  return { result, gone }
}

class Call {
  readonly #program: string
  readonly #options: CallOptions
  readonly #lines: string[] = []
  #length = 0
  readonly #process: LaunchProcess
  readonly #timer: NodeJS.Timeout
  readonly #resolve: (lines: readonly string[]) => void
  readonly #reject: (error: ScalerError) => void
  readonly #onGone: () => void
  readonly #onAbort = () => {
    const { signal } = this.#options
    this.#giveUp(new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason }))
  }
  #isOver = false

  constructor(
    spec: LaunchSpec,
    options: CallOptions,
    resolve: (lines: readonly string[]) => void,
    reject: (error: ScalerError) => void,
    onGone: () => void,
  ) {
    this.#program = spec.argv[0]
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    this.#onGone = onGone
    const { signal, timeoutMs, registry } = options
    this.#timer = setTimeout(
      () => this.#fail(`"${this.#program}" did not end within ${timeoutMs} ms`),
      timeoutMs,
    )
    this.#process = new LaunchProcess(spec, {
      onLine: (stream, line) => this.#onLine(stream, line),
      onEnd: (exit) => this.#onEnd(exit),
      onClosed: () => {},
    })
    signal.addEventListener('abort', this.#onAbort, { once: true })
    registry.active.add(this)
    this.#process.started.then((problem) => {
      if (problem !== undefined) this.#fail(problem.message, false)
    })
  }

  /** The adapter is closed. */
  close(): void {
    this.#giveUp(new ScalerError('scaler/closed', 'the shell scaler was closed'))
  }

  #onLine(stream: StreamName, line: string): void {
    if (this.#isOver) return
    if (stream === 'stderr') return this.#options.onError(line)
    this.#lines.push(line)
    this.#length += line.length
    if (this.#lines.length > MAX_CALL_LINES || this.#length > MAX_CALL_LENGTH)
      this.#fail(
        `"${this.#program}" wrote more than ${MAX_CALL_LINES} lines or ${MAX_CALL_LENGTH} characters`,
      )
  }

  #onEnd(exit: Exit): void {
    if (this.#isOver) return
    const problem = problemOfExit(this.#program, exit, this.#process.output.stderrTail())
    if (problem !== undefined) return this.#fail(problem.message)
    this.#settle()
    this.#process.release()
    this.#resolve(this.#lines)
    this.#onGone()
  }

  #fail(message: string, retryable = true): void {
    this.#giveUp(new ScalerError('scaler/unavailable', message, { retryable }))
  }

  /** Does not wait for its end: whoever called wants to go on. */
  #giveUp(error: ScalerError): void {
    if (this.#isOver) return
    this.#settle()
    const { pid } = this.#process
    this.#process.release()
    if (pid === undefined) this.#onGone()
    else new Farewell(pid, this.#onGone)
    this.#reject(error)
  }

  #settle(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#options.registry.active.delete(this)
  }
}

/** Ends a process, and what is left of its group. An edge that ends meanwhile does not wait for it. */
class Farewell {
  readonly #group: number
  readonly #startTime: string | undefined
  readonly #onGone: () => void
  readonly #killAtMs = performance.now() + KILL_AFTER_MS

  constructor(group: number, onGone: () => void) {
    this.#group = group
    this.#startTime = startTimeOf(group)
    this.#onGone = onGone
    // Not the group: what a script is waiting for may be half done.
    signal(group, 'SIGTERM')
    this.#look()
  }

  #look(): void {
    if (!isGroupAlive(this.#group, this.#startTime)) return this.#onGone()
    if (performance.now() >= this.#killAtMs) signal(-this.#group, 'SIGKILL')
    setTimeout(() => this.#look(), GONE_POLL_MS).unref()
  }
}

function signal(whom: number, name: NodeJS.Signals): void {
  try {
    process.kill(whom, name)
  } catch {
    // It is gone.
  }
}
