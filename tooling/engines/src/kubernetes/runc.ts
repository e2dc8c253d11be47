import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Places } from './files.ts'
import { NAMESPACE } from './image.ts'

const run = promisify(execFile)

/** Where runc keeps what it knows of containers, whatever containerd's own directories are. */
export const RUNC_STATE = `/run/containerd/runc/${NAMESPACE}`
/** Below containerd's state directory: a directory for each container, until its shim is told to forget it. */
const TASKS = join('io.containerd.runtime.v2.task', NAMESPACE)

/**
 * Removes what is left of an engine's containers outside of its directory, where no shim was there to do it: runc's
 * records, with the control groups, and the shims' sockets. Nothing of them runs any more.
 */
export async function forgetContainers(places: Places): Promise<void> {
  for (const id of entries(RUNC_STATE)) {
    // It names the directory that the container was made of.
    if (!read(join(RUNC_STATE, id, 'state.json')).includes(`${places.dir}/`)) continue
    await run('runc', ['--root', RUNC_STATE, 'delete', '--force', id])
  }
  const tasks = places.at('containerd-state', TASKS)
  for (const id of entries(tasks)) {
    const socket = read(join(tasks, id, 'address'))
      .trim()
      .replace('unix://', '')
    if (socket !== '') rmSync(socket, { force: true })
  }
}

function entries(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** @returns nothing of what is gone */
function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
