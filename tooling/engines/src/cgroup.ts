import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { killAll } from './processes.ts'

const ROOT = '/sys/fs/cgroup'

/** The control group of all containers of one dockerd: by it they are found when nothing else knows them any more. */
export function cgroupOf(dir: string): string {
  return `brxy-docker-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`
}

/** Kills what runs in it, and removes it. */
export async function removeCgroup(name: string): Promise<void> {
  await killAll(`processes of ${name}`, () => [...new Set(groupsOf(name).flatMap(pidsOf))])
  // A group can be removed when those in it are.
  for (const group of groupsOf(name).reverse()) rmdirSync(group)
}

/** Paths of a control group and of all in it, parents first. */
export function groupsOf(name: string): string[] {
  return hierarchies(name).flatMap(below)
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
