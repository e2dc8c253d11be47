import { readFileSync } from 'node:fs'

/** Of task_struct.flags: it is being shut down (PF_EXITING, linux/sched.h). */
const EXITING = 0x4
/** Fields of /proc/PID/stat behind the name (proc_pid_stat(5)), counted from 0: flags is the 9th of all, exit_code the 52nd. */
const FLAGS = 6
const EXIT_CODE = 49

/**
 * Whether a process is ending right now, by a signal or with a status other than 0. The kernel closes its connections
 * before anybody is told of its end, so whoever sees a FIN asks the kernel.
 *
 * @param pid of a child that was not waited for yet
 * @returns false as well where there is no Linux to ask
 */
export function isFailing(pid: number): boolean {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return false
  }
  // The name may have spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const isEnding = fields[0] === 'Z' || fields[0] === 'X' || (Number(fields[FLAGS]) & EXITING) !== 0
  return isEnding && Number(fields[EXIT_CODE]) !== 0
}
