import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 20
/** One that was killed may take a moment to die. */
const KILL_MS = 10_000

/** The numbers of all processes. */
export function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** Field 22 of /proc/PID/stat: with the number it names a process for good. Empty when there is none, or only its zombie. */
export function startTime(pid: number): string {
  const fields = statOf(pid)
  return fields[0] === undefined || fields[0] === 'Z' ? '' : `${fields[19]}`
}

/** The number of its parent; 0 when there is none. */
export function parentOf(pid: number): number {
  return Number(statOf(pid)[1] ?? 0)
}

/** Its words; none if it has ended. */
export function argvOf(pid: number): string[] {
  return read(pid, 'cmdline').split('\0').slice(0, -1)
}

/** What it was started with, as `NAME=VALUE`. */
export function environmentOf(pid: number): string[] {
  return read(pid, 'environ').split('\0').slice(0, -1)
}

/** Processes but this one that work below the directory, or whose command names something there. */
export function processesBelow(dir: string): number[] {
  const isBelow = (pid: number) =>
    workingDirectoryOf(pid).startsWith(`${dir}/`) || argvOf(pid).some((word) => word.includes(`${dir}/`))
  return pids().filter((pid) => pid !== process.pid && isBelow(pid))
}

/** Sends a signal; one that has ended needs none. @param pid negative: a group */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Kills processes until none is found, for they may start others meanwhile.
 *
 * @param find never finds this one
 * @throws with the numbers of those that do not end within 10 s
 */
export async function killAll(what: string, find: () => readonly number[]): Promise<void> {
  const endMs = performance.now() + KILL_MS
  for (let found = find(); found.length > 0; found = find()) {
    if (performance.now() > endMs) throw new Error(`${what} do not end: ${found.join(' ')}`)
    for (const pid of found) signal(pid, 'SIGKILL')
    await sleep(POLL_MS)
  }
}

/** From the third field on: the name before it, in parentheses, may hold anything. */
function statOf(pid: number): string[] {
  const stat = read(pid, 'stat')
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function workingDirectoryOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    // It has ended, or is a kernel thread.
    return ''
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}
