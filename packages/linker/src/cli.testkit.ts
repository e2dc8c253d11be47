import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until, within } from './app/processes.testkit.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
/** Longest wait for something that must happen. Generous: a busy machine is no failure. */
const BOUND_MS = 20_000
/** Marks every process that a test file starts, and whatever those start: PATH reaches even the guards. */
const MARK = `brxy-test-${process.pid}-${Math.random().toString(36).slice(2)}`

/** The linker's package as it would be published, compiled from these sources: a stale build proves nothing. */
export class CompiledLinker {
  readonly folder = mkdtempSync(join(tmpdir(), 'brxy-link-'))
  readonly #running: RunningLinker[] = []

  constructor() {
    const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
    const options = ['--noCheck', '--outDir', join(this.folder, 'dist')]
    const args = [join(typescript, 'bin/tsc'), '-p', join(PACKAGE, 'tsconfig.build.json'), ...options]
    execFileSync(process.execPath, args, { stdio: 'pipe' })
    mkdirSync(join(this.folder, 'bin'))
    for (const file of ['package.json', 'bin/brxy-link'])
      copyFileSync(join(PACKAGE, file), join(this.folder, file))
    symlinkSync(join(PACKAGE, 'node_modules'), join(this.folder, 'node_modules'))
  }

  /** Runs `brxy-link` with nothing of brxy's in its environment but what is given. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningLinker {
    const base = Object.entries(process.env).filter(
      ([name]) => !/^(BRXY_|VITEST|NODE_|ROUTE$|PORT$)/.test(name),
    )
    const PATH = `${process.env.PATH}:/nonexistent/${MARK}`
    const child = spawn(process.execPath, [join(this.folder, 'bin/brxy-link'), ...args], {
      env: { ...Object.fromEntries(base), PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const running = new RunningLinker(child)
    this.#running.push(running)
    return running
  }

  /** Ends what still runs, and fails if anything outlives its linker: an application, a guard. */
  async stop(): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGKILL')
    for (const running of this.#running.splice(0)) await running.exits()
    await until('no process is left behind', () => !isAnyMarked(), 5_000)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** One `brxy-link` process. */
export class RunningLinker {
  readonly child: ChildProcess
  stdout = Buffer.alloc(0)
  stderr = ''
  readonly #ended: Promise<{ readonly code: number | null }>

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.on('data', (data: Buffer) => {
      this.stdout = Buffer.concat([this.stdout, data])
    })
    child.stderr?.on('data', (data: Buffer) => {
      this.stderr += data.toString()
    })
    this.#ended = new Promise((resolve) => {
      child.once('close', (code) => resolve({ code }))
    })
  }

  get pid(): number {
    return this.child.pid as number
  }

  get out(): string {
    return this.stdout.toString()
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Resolves once that was printed, on either stream. */
  prints(what: string): Promise<void> {
    return until(
      `"${what}" in\n${this.out}${this.stderr}`,
      () => (this.out + this.stderr).includes(what),
      BOUND_MS,
    )
  }

  /** The exit status; null if a signal ended it. */
  async exits(): Promise<number | null> {
    const { code } = await within(BOUND_MS, `the end of the linker:\n${this.out}${this.stderr}`, this.#ended)
    return code
  }

  /** Process id of the application, from the linker's own line about it. */
  async appPid(): Promise<number> {
    const pattern = /application started.*?"pid":(\d+)/
    await until('the application', () => pattern.test(this.stderr), BOUND_MS)
    return Number(pattern.exec(this.stderr)?.[1])
  }
}

/** Whether a process of this test file runs. A zombie has no environment. Linux only; elsewhere none is found. */
function isAnyMarked(): boolean {
  let pids: string[] = []
  try {
    pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  } catch {
    return false
  }
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(MARK)
    } catch {
      return false
    }
  })
}
