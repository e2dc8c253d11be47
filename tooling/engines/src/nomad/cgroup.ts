import { rmdirSync } from 'node:fs'
import { basename } from 'node:path'
import { groupsOf } from '../cgroup.ts'
import { argvOf, pids } from '../processes.ts'

/** Of cgroups version 1, and of version 2: Nomad 1.10 takes no other, whatever its configuration says, and makes it as it starts. */
const NAMES = ['nomad', 'nomad.slice']

/** The control groups of all Nomad agents of this machine, parents first. */
export function nomadGroups(): string[] {
  return NAMES.flatMap(groupsOf)
}

/**
 * Removes the control groups of tasks that have ended and, unless an agent runs that needs it, the one that they all share.
 *
 * @param allocations ids of those whose tasks they were
 */
export function removeNomadGroups(allocations: readonly string[]): void {
  const isNeeded = pids()
    .map(argvOf)
    .some(([program = '', word]) => basename(program) === 'nomad' && word === 'agent')
  const isOurs = (group: string) => allocations.some((id) => basename(group).startsWith(id))
  for (const group of nomadGroups().reverse()) if (!isNeeded || isOurs(group)) tryToRemove(group)
}

/** Not one that somebody is in: tasks go on when their agent has ended. */
function tryToRemove(group: string): void {
  try {
    rmdirSync(group)
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
