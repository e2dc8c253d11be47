import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { argvOf, signal, startTime } from './processes.ts'

/** How much of its log an error shows. */
const LOG_TAIL_BYTES = 4096
const KILL_AFTER_MS = 10_000
const POLL_MS = 20

/** What a daemon is to run as. */
export interface DaemonCommand {
  readonly argv: readonly [string, ...string[]]
  /** Instead of this process's own environment. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Starts a daemon in a session of its own, with `NAME.log` and `NAME.pid` below `dir`; stopDaemons() finds it there.
 *
 * @throws if it can't be run at all
 */
export async function startDaemon(dir: string, name: string, command: DaemonCommand): Promise<number> {
  mkdirSync(dir, { recursive: true })
  const log = openSync(join(dir, `${name}.log`), 'a')
  try {
    const [file, ...args] = command.argv
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: command.env ?? process.env,
      cwd: dir,
    })
    await once(child, 'spawn')
    child.unref()
    const pid = child.pid as number
    writeFileSync(join(dir, `${name}.pid`), `${pid} ${startTime(pid)}\n`)
    return pid
  } finally {
    closeSync(log)
  }
}

/**
 * Waits until `isReady` says so.
 *
 * @param name the daemon that is waited for: if it ends first, that is the error
 * @throws with the end of its log, when it has ended or `timeoutMs` are over
 */
export async function untilReady(
  dir: string,
  name: string,
  isReady: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await isReady())) {
    if (runningPid(join(dir, `${name}.pid`)) === null)
      throw new Error(`${name} ended:\n${logTail(dir, name)}`)
    if (performance.now() > endMs)
      throw new Error(`${name} is not ready after ${timeoutMs} ms:\n${logTail(dir, name)}`)
    await sleep(POLL_MS)
  }
}

/** Ends all daemons of a directory, the last started first: SIGTERM, and SIGKILL to what is left of their groups after 10 s. */
export async function stopDaemons(dir: string): Promise<void> {
  if (!existsSync(dir)) return
  const files = readdirSync(dir)
    .filter((file) => file.endsWith('.pid'))
    .map((file) => join(dir, file))
    .map((file) => ({ file, pid: runningPid(file), since: recorded(file).since }))
    .sort((a, b) => Number(b.since) - Number(a.since))
  for (const { file, pid } of files) {
    if (pid !== null) await stopGroup(pid, file)
    rmSync(file, { force: true })
  }
}

/** Ends one of them, as {@link stopDaemons} does; nothing if it does not run. */
export async function stopDaemon(dir: string, name: string): Promise<void> {
  const file = join(dir, `${name}.pid`)
  const pid = runningPid(file)
  if (pid !== null) await stopGroup(pid, file)
  rmSync(file, { force: true })
}

/** Ends one of them and starts it again with the same words. @throws if it does not run */
export async function restartDaemon(dir: string, name: string): Promise<void> {
  const pid = runningPid(join(dir, `${name}.pid`))
  if (pid === null) throw new Error(`${name} does not run`)
  const [file = '', ...args] = argvOf(pid)
  await stopDaemon(dir, name)
  await startDaemon(dir, name, { argv: [file, ...args] })
}

async function stopGroup(pid: number, file: string): Promise<void> {
  signal(pid, 'SIGTERM')
  const killMs = performance.now() + KILL_AFTER_MS
  while (runningPid(file) !== null && performance.now() < killMs) await sleep(POLL_MS)
  signal(-pid, 'SIGKILL')
  while (runningPid(file) !== null) await sleep(POLL_MS)
}

/** Of a file NAME.pid. @returns null when it has ended, also when its number belongs to another process by now */
export function runningPid(pidFile: string): number | null {
  if (!existsSync(pidFile)) return null
  const { pid, since } = recorded(pidFile)
  // One that ended before its start could be read has none.
  return since !== '' && startTime(pid) === since ? pid : null
}

function recorded(pidFile: string): { pid: number; since: string } {
  const [pid = '', since = ''] = readFileSync(pidFile, 'utf8').trim().split(' ')
  return { pid: Number(pid), since }
}

function logTail(dir: string, name: string): string {
  const file = join(dir, `${name}.log`)
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-LOG_TAIL_BYTES) : `no ${basename(file)}`
}
