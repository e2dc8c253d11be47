import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupOf, removeCgroup } from '../cgroup.ts'
import { startDaemon, stopDaemons, untilReady } from '../daemons.ts'
import { makeEngineFolder } from '../folder.ts'
import { isOnPath } from '../on-path.ts'
import { killAll, processesBelow } from '../processes.ts'
import { run } from './run.ts'
import { recordTraces, removeTraces } from './traces.ts'

const READY_MS = 60_000

/** What a machine lacks for a dockerd of ours. */
export async function missingForDockerd(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'dockerd needs root'
  for (const [command, name] of [
    ['dockerd', 'docker.io'],
    ['docker', 'docker.io'],
    ['unshare', 'util-linux'],
    ['ip', 'iproute2'],
  ] as const) {
    if (!isOnPath(command)) return `${command} is missing: apt-get install ${name}`
  }
  if (!existsSync('/bin/busybox')) return '/bin/busybox is missing: apt-get install busybox-static'
  return null
}

/** Nothing of this machine's network is touched: containers use that of the host. */
const HOST_NETWORK = ['--bridge=none', '--iptables=false', '--ip-forward=false', '--ip-masq=false']

/** Starts a dockerd all of whose files are below the directory. @param more flags, as for TLS @returns DOCKER_HOST */
export async function startDockerd(dir: string, more: readonly string[] = []): Promise<string> {
  return start(dir, UNSHARE_MOUNTS, [...HOST_NETWORK, ...more])
}

// In a mount namespace of its own: what is mounted (layers, network namespaces) is gone with its last process.
const UNSHARE_MOUNTS = ['unshare', '--mount', '--propagation', 'private']

/** Its shell's own: a loopback that is up, and a /run without the sockets of this machine. */
const PREPARE = 'ip link set lo up && mount -t tmpfs tmpfs /run && exec "$@"'

/**
 * The same with bridges, ports and DNS as users have them, in a network namespace of its own, which is gone with its last
 * process. Containers find the socket where files of users say that it is: /var/run/docker.sock.
 *
 * @returns DOCKER_HOST; {@link networkOf} says where its published ports are
 */
export async function startDockerdInItsNetwork(dir: string): Promise<string> {
  const own = [...UNSHARE_MOUNTS, '--net', 'sh', '-c', PREPARE, 'sh']
  return start(dir, own, ['--host', 'unix:///var/run/docker.sock'])
}

/** The network namespace of a dockerd that has one, for `nsenter --net=PATH`. */
export function networkOf(dir: string): string {
  const [pid] = readFileSync(join(dir, 'dockerd.pid'), 'utf8').split(' ')
  return `/proc/${pid}/ns/net`
}

async function start(dir: string, under: readonly string[], more: readonly string[]): Promise<string> {
  makeEngineFolder(dir, 'docker')
  recordTraces(dir)
  const socket = join(dir, 'docker.sock')
  const flags = [
    ['--data-root', join(dir, 'data')],
    ['--exec-root', join(dir, 'exec')],
    // Not .pid: those are of startDaemon().
    ['--pidfile', join(dir, 'dockerd-pidfile')],
    ['--host', `unix://${socket}`],
    ['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', cgroupOf(dir)],
    ['--shutdown-timeout', '1'],
    more,
  ].flat()
  const argv = [...under, 'dockerd', ...flags]
  await startDaemon(dir, 'dockerd', { argv: argv as unknown as [string, ...string[]] })
  const host = `unix://${socket}`
  await untilReady(dir, 'dockerd', () => isAnswering(host), READY_MS)
  return host
}

/** Ends it with all its containers, also after a crash of whoever started it. */
export async function stopDockerd(dir: string): Promise<void> {
  const socket = join(dir, 'docker.sock')
  const env = { DOCKER_HOST: `unix://${socket}` }
  if (existsSync(socket) && (await isAnswering(env.DOCKER_HOST))) {
    await run('docker', ['swarm', 'leave', '--force'], env).catch(() => {})
    const containers = (await run('docker', ['ps', '-aq'], env)).split('\n').filter(Boolean)
    // A Swarm that was left is removing some of them itself; what remains ends below.
    const words = ['rm', '--force', '--volumes', ...containers]
    if (containers.length > 0) await run('docker', words, env).catch(() => {})
  }
  await stopDaemons(dir)
  await removeCgroup(cgroupOf(dir))
  // containerd and its shims outlive a dockerd that was killed.
  await killAll(`processes of ${dir}`, () => processesBelow(dir))
  await removeTraces(dir)
}

function isAnswering(host: string): Promise<boolean> {
  return run('docker', ['info'], { DOCKER_HOST: host }).then(
    () => true,
    () => false,
  )
}
