import { readdirSync, readFileSync } from 'node:fs'

/**
 * Sends a signal to every process of a group.
 *
 * @param pgid the group's id, which is its leader's process id; above 1
 * @returns whether the group has a member, be it one that this user may not signal
 */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  // kill(-1) means every process there is, kill(0) our own group: a wrong number must not get that far.
  if (!Number.isSafeInteger(pgid) || pgid <= 1) throw new RangeError(`process group ${pgid} is not above 1`)
  try {
    process.kill(-pgid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return true
    throw error
  }
}

/**
 * Whether a process of the group still runs.
 *
 * Zombies do not count. They answer signals like the living, and where the linker is PID 1 without an init nobody
 * reaps an application's orphans: waiting for them would never end. Reads all of /proc, so ask sparingly; where there
 * is no /proc (macOS) whatever answers a signal counts as running.
 */
export function isGroupRunning(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false
  const states = memberStates(pgid)
  // None seen, though the signal found some: /proc is absent or hides them (hidepid). Believe the signal.
  return states.length === 0 || states.some((state) => state !== 'Z' && state !== 'X')
}

/** The states (proc_pid_stat(5), field 3) of the processes whose group (field 5) is `pgid`. */
function memberStates(pgid: number): string[] {
  const states: string[] = []
  for (const entry of readIfThere(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(entry)) continue
    const stat = readIfThere(() => readFileSync(`/proc/${entry}/stat`, 'latin1'))
    if (stat === undefined) continue
    // Field 2 is the command's name in parentheses, and may itself contain spaces and parentheses.
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 3)
    if (state !== undefined && Number(group) === pgid) states.push(state)
  }
  return states
}

/** Processes end while they are being listed. */
function readIfThere<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
