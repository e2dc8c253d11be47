import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { eventually, PATIENCE_MS, within } from './eventually.ts'

/** Marks every process that a test file starts, and whatever those start. */
const MARK = `brxy-test-${process.pid}-${Math.random().toString(36).slice(2)}`
// The guard of an application is started with nothing but PATH, so the mark travels there, in a directory that does
// not exist.
const MARKED_PATH = `${process.env.PATH}:/nonexistent/${MARK}`

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One process under test: its output so far, and waits for more. */
export class Running {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  stdout = ''
  stderr = ''
  exit: Exit | null = null
  #isToldToEnd = false

  constructor(
    command: string,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string; detached?: boolean } = {},
  ) {
    this.child = spawn(command, args, {
      cwd: options.cwd,
      env: testEnvironment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.detached ?? false,
    })
    this.child.stdout?.on('data', (data) => {
      this.stdout += data
    })
    this.child.stderr?.on('data', (data) => {
      this.stderr += data
    })
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.stderr += error.message
        resolve({ code: 127, signal: null })
      })
      this.child.on('close', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** All output, for messages and matches. */
  get output(): string {
    return this.stdout + this.stderr
  }

  /** Waits until the output matches. */
  async prints(pattern: RegExp, timeoutMs = PATIENCE_MS): Promise<RegExpExecArray> {
    return eventually(
      `${pattern} in the output of process ${this.pid}`,
      () => {
        const match = pattern.exec(this.output)
        if (match === null && this.exit !== null)
          throw new Error(`it ended before it printed ${pattern}:\n${this.output}`)
        return match
      },
      timeoutMs,
    )
  }

  signal(name: NodeJS.Signals): void {
    if (name !== 'SIGHUP') this.#isToldToEnd = true
    this.child.kill(name)
  }

  /** Waits for the end. */
  async ends(timeoutMs = PATIENCE_MS): Promise<Exit> {
    return within(`the end of process ${this.pid}:\n${this.output}`, this.exited, timeoutMs)
  }

  /** SIGTERM, unless it is ending already (a second one would cut that short), and SIGKILL if that is not enough. */
  async stop(timeoutMs = PATIENCE_MS): Promise<Exit> {
    if (this.exit !== null) return this.exit
    if (!this.#isToldToEnd) this.signal('SIGTERM')
    try {
      return await this.ends(timeoutMs)
    } catch (error) {
      this.signal('SIGKILL')
      await this.exited
      throw error
    }
  }
}

/** Runs a command to its end. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number } = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const running = new Running(command, args, options)
  const exit = await running.ends(options.timeoutMs)
  return { ...exit, stdout: running.stdout, stderr: running.stderr }
}

/**
 * The environment of processes under test: nothing of brxy's from outside, nothing that slows Node's start, and nothing
 * compiled that is kept in the home of whoever runs the tests.
 */
export function testEnvironment(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const base = Object.entries(process.env).filter(
    ([name]) => !/^(BRXY_|VITEST|NODE_|npm_|ROUTE$|PORT$|STATE_DIRECTORY$)/.test(name),
  )
  return {
    ...Object.fromEntries(base),
    PATH: MARKED_PATH,
    NO_COLOR: '1',
    NODE_DISABLE_COMPILE_CACHE: '1',
    ...env,
  }
}

/** A process that a test file started, directly or not. */
export interface MarkedProcess {
  readonly pid: number
  readonly command: string
}

/** All processes of this test file that run now (Linux; elsewhere none are found). */
export function markedProcesses(): MarkedProcess[] {
  let pids: string[]
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
  return pids.flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(MARK)) return []
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()
      // A zombie has no command line, and is gone but for its parent's wait.
      return command === '' ? [] : [{ pid: Number(pid), command }]
    } catch {
      return []
    }
  })
}

/** Whether a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

/** The process that started another one, or waits for it in its place; null if that is gone (Linux). */
export function parentOf(pid: number): number | null {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
  } catch {
    return null
  }
}

/** The most memory a process has had resident so far, in bytes (Linux). */
export function peakMemoryBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

/** Fails a test that leaves a process behind; give it a moment to go. What is left is killed, so that it fails alone. */
export async function expectNoLeftovers(timeoutMs = 5_000): Promise<void> {
  try {
    await eventually('no process left behind', () => markedProcesses().length === 0, timeoutMs)
  } catch (error) {
    const left = markedProcesses()
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It went by itself meanwhile.
      }
    }
    if (left.length === 0) return
    const list = left.map(({ pid, command }) => `  ${pid}: ${command}`).join('\n')
    throw new Error(`processes left behind after ${timeoutMs} ms:\n${list}`, { cause: error })
  }
}
