import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = '/sys/fs/cgroup'
const POLL_MS = 20
/** A process that was killed may take a moment to die. */
const KILL_MS = 10_000

/** The control group of all containers of one dockerd: by it they are found when nothing else knows them any more. */
export function cgroupOf(dir: string): string {
  return `brxy-docker-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`
}

/** Kills what runs in it, and removes it. */
export async function removeCgroup(name: string): Promise<void> {
  const endMs = performance.now() + KILL_MS
  for (;;) {
    const groups = hierarchies(name).flatMap(below)
    const pids = new Set(groups.flatMap(pidsOf))
    if (pids.size === 0) {
      // A group can be removed when those in it are.
      for (const group of groups.reverse()) rmdirSync(group)
      return
    }
    if (performance.now() > endMs) throw new Error(`processes of ${name} do not end: ${[...pids].join(' ')}`)
    for (const pid of pids) kill(pid)
    await sleep(POLL_MS)
  }
}

/** One in version 2; one for each controller in version 1. */
function hierarchies(name: string): string[] {
  const roots = [ROOT, ...readdirSync(ROOT).map((each) => join(ROOT, each))]
  return roots.map((root) => join(root, name)).filter((path) => existsSync(path))
}

/** The group and all in it, parents first. */
function below(group: string): string[] {
  const inner = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [group, ...inner.flatMap(({ name }) => below(join(group, name)))]
}

function pidsOf(group: string): number[] {
  return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
