import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Waits until `condition` holds, asking every 5 ms; fails after `boundMs`, naming what did not come. */
export async function until(what: string, condition: () => boolean, boundMs = 10_000): Promise<void> {
  const deadline = performance.now() + boundMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${boundMs} ms and still not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** `promise`, or a failure that names it after `boundMs`. */
export async function within<T>(boundMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${boundMs} ms and still not: ${what}`)), boundMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The state letter of a process (proc_pid_stat(5)): R, S, T, Z; undefined when there is none. Linux only. */
export function processState(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0)
  } catch {
    return undefined
  }
}

/** Whether a process runs: it exists and is no zombie. Linux only. */
export function isRunning(pid: number): boolean {
  const state = processState(pid)
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** The process that guards the group `pgid`, found by its command line. Linux only. */
export function guardOf(pgid: number): number | undefined {
  const pid = readdirSync('/proc').find((entry) => {
    if (!/^\d+$/.test(entry)) return false
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').endsWith(`\0brxy-guard\0${pgid}\0`)
    } catch {
      return false
    }
  })
  return pid === undefined || !isRunning(Number(pid)) ? undefined : Number(pid)
}

/** The first child of a process. Linux only. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0])
}

/**
 * Whether `command` is here to be tested with. Says loudly when it is not, and fails instead where
 * BRXY_REQUIRE_PEERS=1 promises that everything is installed.
 */
export function hasPeer(command: string): boolean {
  if (pathOf(command) !== undefined) return true
  if (process.env.BRXY_REQUIRE_PEERS === '1')
    throw new Error(`BRXY_REQUIRE_PEERS=1 and no ${command} in PATH`)
  console.warn(`SKIPPED: no ${command} in PATH, so nothing is known about how it fares`)
  return false
}

/** The full path of a command in PATH, undefined when it is in none of its folders. */
export function pathOf(command: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':')
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

/**
 * Compiles this folder, for tests that need it in a process of its own (Node 20 does not run TypeScript).
 *
 * @param entry a file of this folder: `process.ts`
 * @returns a folder with `process.js` and what it imports; `remove` deletes it
 */
export async function compileApp(entry: string): Promise<{ folder: string; remove(): void }> {
  const source = dirname(fileURLToPath(import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), 'brxy-app-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const options = {
    noEmit: false,
    noCheck: true,
    rootDir: dirname(source),
    outDir: folder,
    types: [],
    declaration: false,
  }
  const config = {
    extends: join(source, '../../tsconfig.json'),
    compilerOptions: options,
    include: [],
    files: [join(source, entry)],
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', folder], { stdio: 'pipe' })
  return { folder: join(folder, basename(source)), remove }
}
