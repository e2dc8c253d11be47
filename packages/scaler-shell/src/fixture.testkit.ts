import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppScaler, Host, Instance, Launch, OutputSource, Scaler } from '@brxy/scaler'
import shell from './index.ts'
import { startTimeOf } from './liveness.ts'

/** Longest wait for anything in these tests. */
const MAX_WAIT_MS = 10_000

interface Log {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** A host that writes down what it is told, and a state directory; `clean` kills and removes all that a test left. */
export class Fixture {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'brxy-shell-'))
  readonly logs: Log[] = []
  readonly changed: string[] = []
  readonly #scalers: Scaler[] = []
  readonly #waiting = new Set<() => void>()

  host(owner = 'edge-a'): Host {
    return {
      owner,
      stateDir: this.stateDir,
      changed: (route) => {
        this.changed.push(route)
        this.#wake()
      },
      log: (level, message, fields = {}) => {
        this.logs.push({ level, message, fields: fields as Record<string, unknown> })
        this.#wake()
      },
    }
  }

  /** A scaler that {@link clean} closes. */
  scaler(options: unknown = {}, owner?: string): Scaler {
    const scaler = shell(options, this.host(owner))
    this.#scalers.push(scaler)
    return scaler
  }

  /** An app of a new scaler. */
  app(options: unknown, route = 'shop.example.com', owner?: string): AppScaler & OutputSource {
    return this.scaler({}, owner).app(route, options) as AppScaler & OutputSource
  }

  /** The lines that launches wrote, as they were logged. */
  lines(launch?: string): string[] {
    return this.logs
      .filter(({ fields }) => fields.output === true && (launch === undefined || fields.launch === launch))
      .map(({ message }) => message)
  }

  /** The pids of all launches that were started here. */
  pids(): number[] {
    return this.logs
      .filter(({ message }) => message === 'launch started')
      .map(({ fields }) => fields.pid as number)
  }

  /** Resolves when the condition holds, looking again at each thing that the host is told. */
  async until<T>(
    what: string,
    condition: () => T | undefined | false | Promise<T | undefined | false>,
  ): Promise<T> {
    const deadline = performance.now() + MAX_WAIT_MS
    for (;;) {
      const woken = this.#woken(deadline)
      const result = await condition()
      if (result !== undefined && result !== false) return result
      if (performance.now() >= deadline) throw new Error(`${what}: not within ${MAX_WAIT_MS} ms`)
      await woken
    }
  }

  async clean(): Promise<void> {
    for (const scaler of this.#scalers) await scaler.close()
    for (const pid of this.pids()) killGroup(pid)
    rmSync(this.stateDir, { recursive: true })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  // What a process does by itself (a file, a pid gone) wakes nobody: look again after a moment as well.
  #woken(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.max(0, Math.min(25, deadline - performance.now())))
      this.#waiting.add(wake)
    })
  }
}

/** A launch as an edge asks for it. */
export function launch(id: string, env: Record<string, string> = {}): Launch {
  return { id, env: { ROUTE: 'shop.example.com', BRXY_LAUNCH: id, ...env } }
}

/** A command that runs a script with this very Node. */
export function node(script: string, ...args: string[]): string[] {
  return [process.execPath, '-e', script, ...args]
}

export function start(app: AppScaler, ...launches: Launch[]): Promise<readonly Instance[]> {
  return app.scale({ want: launches.length, start: launches, remove: [] }, never())
}

export function remove(app: AppScaler, ...ids: string[]): Promise<readonly Instance[]> {
  const instances = ids.map((id) => ({ id, launch: id, state: 'running', since: 0 }) as const)
  return app.scale({ want: 0, start: [], remove: instances }, never())
}

/** A signal that never fires. */
export function never(): AbortSignal {
  return new AbortController().signal
}

/** Whether a process runs. A zombie does not: process 1 of a container may never reap it. */
export function isRunning(pid: number): boolean {
  return startTimeOf(pid) !== undefined
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone, as it should be.
  }
}
