import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../src/docker/run.ts'
import { addBusybox, type Engine, engine, importImage, isLacking } from '../src/index.ts'
import { processesBelow } from '../src/processes.ts'
import { expectNothingLeft, machine } from './traces.testkit.ts'

describe.skipIf(await isLacking('docker')).each(['docker', 'swarm'] as const)('%s', (name) => {
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
    expectNothingLeft(dir, before)
  })

  it('goes without a trace after it was killed, with its container still there', async () => {
    const before = machine()
    await upWithContainer()
    const [pid] = readFileSync(join(dir, 'dockerd.pid'), 'utf8').split(' ')
    process.kill(Number(pid), 'SIGKILL')
    expect(processesBelow(dir).length).toBeGreaterThan(0)
    await found.down(dir)
    expectNothingLeft(dir, before)
  })

  it('can be taken down where it never was', async () => {
    const before = machine()
    await found.down(dir)
    await found.down(dir)
    expectNothingLeft(dir, before)
  })
})
