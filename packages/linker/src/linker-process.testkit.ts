import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until, within } from './app/processes.testkit.ts'

/** Longest wait for something that must happen. Generous: a busy machine is no failure. */
const PATIENCE_MS = 20_000

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))

/** Marks every process that a test file starts, and whatever those start: PATH reaches even the guards. */
const MARK = `brxy-test-${process.pid}-${Math.random().toString(36).slice(2)}`
const ENVIRONMENT = { PATH: `${process.env.PATH}:/nonexistent/${MARK}` }

/** The linker's package as it would be published, compiled from these sources: a stale build proves nothing. */
export class CompiledLinker {
  readonly folder = mkdtempSync(join(tmpdir(), 'brxy-linker-'))
  readonly #started: LinkerProcess[] = []

  constructor() {
    mkdirSync(join(this.folder, 'bin'))
    for (const file of ['package.json', 'bin/brxy-link', 'bin/package.json'])
      copyFileSync(join(PACKAGE, file), join(this.folder, file))
    symlinkSync(join(PACKAGE, 'node_modules'), join(this.folder, 'node_modules'))
    const { resolve } = createRequire(import.meta.url)
    const tool = (name: string, bin: string) => join(dirname(resolve(`${name}/package.json`)), bin)
    const flags = ['--noCheck', '--declaration', 'false', '--outDir', join(this.folder, 'dist')]
    const project = ['-p', join(PACKAGE, 'tsconfig.build.json')]
    execFileSync(process.execPath, [tool('typescript', 'bin/tsc'), ...project, ...flags], { stdio: 'pipe' })
    const config = ['-c', join(PACKAGE, 'rolldown.config.js')]
    execFileSync(process.execPath, [tool('rolldown', 'bin/cli.mjs'), ...config], {
      stdio: 'pipe',
      cwd: this.folder,
    })
  }

  /** Runs `brxy-link` with these arguments, in an environment that has PATH and `env` only. */
  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): LinkerProcess {
    const linker = new LinkerProcess([join(this.folder, 'bin/brxy-link'), ...args], {
      ...ENVIRONMENT,
      ...env,
    })
    this.#started.push(linker)
    return linker
  }

  /** Ends what a test has left running, and fails if anything outlives its linker. */
  async end(): Promise<void> {
    for (const { child } of this.#started) child.kill('SIGKILL')
    for (const linker of this.#started.splice(0)) await linker.ends()
    await nothingLeft()
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** One line of a linker's JSON log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** One linker in a process of its own, with what it printed. */
export class LinkerProcess {
  readonly child: ChildProcess
  exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null
  readonly #stdout: Buffer[] = []
  readonly #stderr: Buffer[] = []

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    // In a session of its own, as an edge launches it: SIGHUP must not mean what it means in the developer's terminal.
    this.child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.child.stdout?.on('data', (chunk: Buffer) => void this.#stdout.push(chunk))
    this.child.stderr?.on('data', (chunk: Buffer) => void this.#stderr.push(chunk))
    this.child.on('close', (code, signal) => {
      this.exit = { code, signal }
    })
  }

  get pid(): number {
    return this.child.pid as number
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#stdout)
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString()
  }

  /** The lines of its log so far that have this message. */
  logged(msg: string): LogLine[] {
    const lines = this.stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
    return lines.map((line) => JSON.parse(line) as LogLine).filter((line) => line.msg === msg)
  }

  /** Waits for the first line of its log with this message. */
  async logs(msg: string): Promise<LogLine> {
    await this.#until(`"${msg}" in the log`, () => this.logged(msg).length > 0)
    return this.logged(msg)[0] as LogLine
  }

  /** Waits until its standard output contains that. */
  prints(text: string): Promise<void> {
    return this.#until(`"${text}" on stdout`, () => this.stdout.includes(text))
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Waits for its end. @returns the exit status, or the name of the signal that ended it */
  async ends(): Promise<number | string | null> {
    if (this.exit === null) {
      const closed = new Promise((resolve) => this.child.once('close', resolve))
      await within(PATIENCE_MS, `the end of the linker, which said:\n${this.stderr}`, closed)
    }
    return this.exit?.signal ?? this.exit?.code ?? null
  }

  /** Its resident memory now, in MiB (proc_pid_status(5)). Linux only. */
  residentMiB(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    await until(what, () => condition() || this.exit !== null, PATIENCE_MS)
    if (!condition()) throw new Error(`it ended before ${what}:\n${this.stderr}`)
  }
}

/** Resolves when no process of this test file runs any more: no application, no guard. Linux only. */
export async function nothingLeft(): Promise<void> {
  try {
    await until('no process left behind', () => markedProcesses().length === 0, 5_000)
  } catch (error) {
    const left = markedProcesses().map(({ pid, command }) => `  ${pid}: ${command}`)
    throw new Error(`processes left behind:\n${left.join('\n')}`, { cause: error })
  }
}

/** A zombie has no command line, and is gone but for its parent's wait. */
function markedProcesses(): { pid: number; command: string }[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return pids.flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(MARK)) return []
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()
      return command === '' ? [] : [{ pid: Number(pid), command }]
    } catch {
      return []
    }
  })
}
