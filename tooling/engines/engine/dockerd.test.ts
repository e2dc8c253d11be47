import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cgroupOf } from '../src/docker/cgroup.ts'
import { processesBelow } from '../src/docker/leftovers.ts'
import { run } from '../src/docker/run.ts'
import { addBusybox, type Engine, engine, importImage, whyNot } from '../src/index.ts'

const missing = await whyNot('docker')
if (missing !== null) console.warn(`SKIPPED: a dockerd of our own: ${missing}`)

/** What of this machine a dockerd touches outside of its directory. */
function machine(): unknown {
  return {
    interfaces: readdirSync('/sys/class/net').filter((name) => !name.startsWith('veth')),
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
    key: existsSync('/etc/docker/key.json'),
    folders: ['/run/docker', '/var/lib/docker', '/var/run/docker.sock'].filter((path) => existsSync(path)),
  }
}

describe.skipIf(missing !== null).each(['docker', 'swarm'] as const)('%s', (name) => {
  let dir: string
  let found: Engine
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-traces-'))
    found = (await engine(name)) as Engine
  })
  afterEach(async () => {
    await found.down(dir)
    rmSync(dir, { recursive: true, force: true })
  })

  function expectNothingLeft(before: unknown): void {
    expect(machine()).toEqual(before)
    expect(processesBelow(dir)).toEqual([])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dir)
    const groups = readdirSync('/sys/fs/cgroup').flatMap((each) => [
      join('/sys/fs/cgroup', each, cgroupOf(dir)),
    ])
    expect(groups.filter((path) => existsSync(path))).toEqual([])
    rmSync(dir, { recursive: true })
  }

  async function upWithContainer(): Promise<void> {
    const env = await found.up(dir, () => {})
    await importImage(env.DOCKER_HOST as string, { name: 'box', fill: addBusybox })
    await run(
      'docker',
      ['run', '-d', '--restart', 'always', '--network', 'host', 'box', '/bin/sleep', '600'],
      env,
    )
  }

  it('comes, runs a container, and goes without a trace', async () => {
    const before = machine()
    await upWithContainer()
    await found.down(dir)
    expectNothingLeft(before)
  })

  it('goes without a trace after it was killed, with its container still there', async () => {
    const before = machine()
    await upWithContainer()
    const [pid] = readFileSync(join(dir, 'dockerd.pid'), 'utf8').split(' ')
    process.kill(Number(pid), 'SIGKILL')
    expect(processesBelow(dir).length).toBeGreaterThan(0)
    await found.down(dir)
    expectNothingLeft(before)
  })

  it('can be taken down where it never was', async () => {
    const before = machine()
    await found.down(dir)
    await found.down(dir)
    expectNothingLeft(before)
  })
})
