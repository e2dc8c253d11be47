import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../src/docker/run.ts'
import { addBusybox, type Engine, engine, importImage, isLacking, networkOf } from '../src/index.ts'
import { processesBelow } from '../src/processes.ts'
import { expectNothingLeft, machine, network } from './traces.testkit.ts'

describe.skipIf(await isLacking('compose'))('docker compose and its dockerd', () => {
  let dir: string
  let compose: Engine
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-traces-'))
    compose = (await engine('compose')) as Engine
  })
  afterEach(async () => {
    await compose.down(dir)
    rmSync(dir, { recursive: true, force: true })
  })

  /** With a bridge, rules for a port, and a container that they belong to. @returns the version of docker compose */
  async function upWithNetwork(): Promise<string> {
    const env = await compose.up(dir, () => {})
    await importImage(env.DOCKER_HOST as string, { name: 'box', fill: addBusybox })
    await run('docker', ['network', 'create', 'shop'], env)
    const flags = ['-d', '--restart', 'always', '--network', 'shop', '--publish', '8080:80']
    await run('docker', ['run', ...flags, 'box', '/bin/sleep', '600'], env)
    const inside = await run('nsenter', [`--net=${networkOf(dir)}`, 'iptables-save'])
    expect(inside).toMatch(/--dport 8080 -j DNAT --to-destination [\d.]+:80\n/)
    return run('docker', ['compose', 'version', '--short'], env)
  }

  it('come with networks and ports as users have them, and go without a trace in those of this machine', async () => {
    const before = machine()
    const untouched = network()
    expect(await upWithNetwork()).not.toBe('')
    expect(network()).toEqual(untouched)
    await compose.down(dir)
    expectNothingLeft(dir, before)
  })

  it('go without a trace after dockerd was killed, with its container still there', async () => {
    const before = machine()
    await upWithNetwork()
    const [pid] = readFileSync(join(dir, 'dockerd.pid'), 'utf8').split(' ')
    process.kill(Number(pid), 'SIGKILL')
    expect(processesBelow(dir).length).toBeGreaterThan(0)
    await compose.down(dir)
    expectNothingLeft(dir, before)
  })
})
