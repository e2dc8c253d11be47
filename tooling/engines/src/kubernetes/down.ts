import { execFile } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { runningPid, stopDaemon } from '../daemons.ts'
import { unmountBelow } from '../mounts.ts'
import { argvOf, parentOf, pids, signal } from '../processes.ts'
import type { Places } from './files.ts'
import { NAMESPACE } from './image.ts'
import { forgetContainers, RUNC_STATE } from './runc.ts'

const run = promisify(execFile)

/** Where the kubelet links the logs of containers, wherever they are. */
const LOG_LINKS = '/var/log/containers'
const SHIMS_END_MS = 10_000
const POLL_MS = 50

/**
 * Ends all containers of an engine and undoes their mounts. Their shims outlive containerd, so they are told to end
 * while it is still there, and looked for by its socket afterwards.
 */
export async function endContainers(places: Places): Promise<void> {
  // It would start them again.
  await stopDaemon(places.at('daemons'), 'kubelet')
  const endMs = performance.now() + ((await removeContainers(places)) ? SHIMS_END_MS : 0)
  while (shims(places).length > 0 && performance.now() < endMs) await sleep(POLL_MS)
  for (const shim of shims(places)) {
    // The first process of a container is a child of its shim; with it the whole pid namespace ends.
    for (const pid of [...pids().filter((each) => parentOf(each) === shim), shim]) signal(pid, 'SIGKILL')
  }
  await unmountBelow(places.dir)
  await forgetContainers(places)
  removeLogLinks(places)
}

/** Directories that the kubelet and containerd make wherever they are told to live. */
const FIXED = ['/var/lib/kubelet', LOG_LINKS]
/** The same, that others may use by then; the innermost first. */
const SHARED = [RUNC_STATE, '/run/containerd/runc', '/run/containerd/s', '/run/containerd']
const CGROUPS = '/sys/fs/cgroup'

/** Remembers which of those directories are not there yet, for {@link removeFixed}. */
export function recordFixed(places: Places): void {
  const absent = [...FIXED, ...SHARED].filter((directory) => !existsSync(directory))
  writeFileSync(places.at('absent.json'), JSON.stringify(absent))
}

/** Removes those that were not there before. */
export function removeFixed(places: Places): void {
  const record = places.at('absent.json')
  if (!existsSync(record)) return
  for (const directory of JSON.parse(readFileSync(record, 'utf8')) as string[]) {
    if (SHARED.includes(directory)) removeEmpty(directory)
    else rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  // cgroup v1 has one for each controller. The kernel keeps those in which anything is.
  for (const name of ['', ...readdirSync(CGROUPS)]) removeEmpty(join(CGROUPS, name, NAMESPACE))
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // It is not there, or in use.
  }
}

/** @returns whether containerd was there to tell their shims */
async function removeContainers(places: Places): Promise<boolean> {
  const { containerdSocket } = places
  if (runningPid(places.at('daemons', 'containerd.pid')) === null) return false
  const ctr = async (...args: string[]) => {
    const { stdout } = await run('ctr', ['-a', containerdSocket, '-n', NAMESPACE, ...args], {
      timeout: 30_000,
    })
    return stdout.split('\n').filter((line) => line !== '')
  }
  try {
    for (const task of await ctr('tasks', 'ls', '-q'))
      await ctr('tasks', 'rm', '--force', task).catch(() => {})
    for (const container of await ctr('containers', 'ls', '-q'))
      await ctr('containers', 'rm', container).catch(() => {})
    return true
  } catch {
    // containerd is gone: its shims are found without it.
    return false
  }
}

/** Processes of `containerd-shim-runc-v2 ... -address SOCKET`. */
function shims({ containerdSocket }: Places): number[] {
  return pids().filter((pid) => {
    const argv = argvOf(pid)
    return argv[0]?.includes('containerd-shim') === true && argv.includes(containerdSocket)
  })
}

function removeLogLinks({ dir }: Places): void {
  if (!existsSync(LOG_LINKS)) return
  for (const name of readdirSync(LOG_LINKS)) {
    const link = join(LOG_LINKS, name)
    if (lstatSync(link).isSymbolicLink() && readlinkSync(link).startsWith(`${dir}/`)) rmSync(link)
  }
}
