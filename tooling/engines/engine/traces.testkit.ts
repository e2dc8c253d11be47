import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { cgroupOf, groupsOf } from '../src/cgroup.ts'
import { isOnPath } from '../src/on-path.ts'
import { processesBelow } from '../src/processes.ts'

/** What of this machine a dockerd touches outside of its directory. */
export function machine(): unknown {
  return {
    ...network(),
    key: existsSync('/etc/docker/key.json'),
    folders: ['/run/docker', '/var/lib/docker', '/var/run/docker.sock'].filter((path) => existsSync(path)),
  }
}

/** Of that, what one with a network of its own leaves alone also while it runs. */
export function network(): { interfaces: string[]; rules: string; forwarding: string } {
  return {
    interfaces: readdirSync('/sys/class/net').filter((name) => !name.startsWith('veth')),
    rules: isOnPath('iptables-save') ? rules() : '',
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  }
}

/** Without when they were read, and what they have counted. */
function rules(): string {
  return execFileSync('iptables-save', { encoding: 'utf8', stdio: 'pipe' }).replaceAll(
    /^#.*\n|\[\d+:\d+\]/gm,
    '',
  )
}

/** Nothing of a dockerd is left but its directory, which is removed. @param before what machine() said then */
export function expectNothingLeft(dir: string, before: unknown): void {
  expect(machine()).toEqual(before)
  expect(groupsOf(cgroupOf(dir))).toEqual([])
  expectNothingBelow(dir)
}

/** What of this machine Kubernetes touches outside of its directory. */
export function node(): string[] {
  const folders = [RUNC, '/var/lib/containerd', '/var/lib/kubelet', '/var/log/containers', '/var/log/pods']
  return folders.filter((path) => existsSync(path))
}

const RUNC = '/run/containerd/runc/k8s.io'

/** The ids of all containers of Kubernetes on this machine that runc knows, or that have a control group. */
export function containers(): string[] {
  const groups = ['.', ...readdirSync('/sys/fs/cgroup')].map((each) => join('/sys/fs/cgroup', each, 'k8s.io'))
  const names = [RUNC, ...groups].filter((path) => existsSync(path)).flatMap((path) => readdirSync(path))
  return [...new Set(names.filter((name) => /^[0-9a-f]{64}$/.test(name)))]
}

/** Nothing of an engine runs or is mounted, and its directory can be removed; it is. */
export function expectNothingBelow(dir: string): void {
  expect(processesBelow(dir)).toEqual([])
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dir)
  rmSync(dir, { recursive: true })
}
