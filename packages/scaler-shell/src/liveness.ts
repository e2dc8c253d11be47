import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

// A process id alone names nobody: ids are reused. Together with the start time it names one process of one boot.

/**
 * When a process started, as a text that is only ever compared; undefined if there is no such process, or it is a zombie.
 * Linux: boot id and field 22 of /proc/PID/stat (proc(5)), in clock ticks. Elsewhere: `ps -o lstart=`.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeByPs(pid)
  const stat = readStat(pid)
  return stat === undefined || stat.zombie ? undefined : `${bootId()}/${stat.startTicks}`
}

/** Whether this very process, not a later one with its id, still runs. */
export function isAlive(pid: number, startTime: string | undefined): boolean {
  return startTime !== undefined && startTimeOf(pid) === startTime
}

/**
 * Whether the process group that a process leads has a live member, be it the leader or what the leader left behind.
 * A group keeps its id from being reused for as long as it has members, so a group whose leader is gone is the same one,
 * unless a process with the leader's id lives and is another.
 */
export function isGroupAlive(pid: number, startTime: string | undefined): boolean {
  const leader = startTimeOf(pid)
  if (leader !== undefined) return leader === startTime
  try {
    process.kill(-pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  // Signal 0 reaches zombies as well, which stay where nobody reaps (a container without an init).
  return process.platform !== 'linux' || hasLiveMember(pid)
}

function hasLiveMember(group: number): boolean {
  return readdirSync('/proc').some((name) => {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
    return stat !== undefined && stat.group === group && !stat.zombie
  })
}

interface Stat {
  readonly zombie: boolean
  readonly group: number
  readonly startTicks: string
}

function readStat(pid: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // proc(5): pid (comm) state ppid pgrp ...; comm may hold spaces and parentheses, so count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { zombie: fields[0] === 'Z' || fields[0] === 'X', group: Number(fields[2]), startTicks: fields[19] }
}

// Clock ticks count from the boot: after a reboot another process may have the same id and ticks.
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}

function startTimeByPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 2_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [state, ...start] = text.trim().split(/\s+/)
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ')
  } catch {
    return undefined
  }
}
