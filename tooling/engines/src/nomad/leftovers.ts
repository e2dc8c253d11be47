import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const POLL_MS = 20

/** Tasks outlive the agent, for it would find them again: whatever has its working directory or its executor below `dir` ends. */
export async function stopTasks(dir: string): Promise<void> {
  for (let pids = processesOf(dir); pids.length > 0; pids = processesOf(dir)) {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    await sleep(POLL_MS)
  }
}

/** A task's secrets directory is a file system of its own. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`))
  for (const path of mounts.reverse()) await run('umount', ['-l', path])
}

function processesOf(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isBelow(pid, dir))
}

function isBelow(pid: number, dir: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dir}/`) ||
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dir}/`)
    )
  } catch {
    // It has ended, or is a kernel thread.
    return false
  }
}
