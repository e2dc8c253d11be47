import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLacking, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { eventually, tempDir } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ComposeProject, importBase } from './compose.testkit.ts'

const SHOP = 'http://shop.localhost:8080/'
const WAIT_MS = 60_000
/** As a user says another value than that of the file. */
const IDLE = '2s'

describe.skipIf(await isLacking('compose'))('examples/docker, by docker stack deploy', () => {
  let dir: ReturnType<typeof tempDir>
  let engine: StartedEngine
  let project: ComposeProject
  beforeAll(async () => {
    dir = tempDir()
    // The dockerd that has networks as users have them.
    engine = await sharedEngine('compose')
    await importBase(engine.env.DOCKER_HOST as string)
    project = new ComposeProject(engine, dir.path, 'stack', { IDLE })
    // It has no other address.
    await project.docker('swarm', 'init', '--advertise-addr', '127.0.0.1')
  })
  afterAll(async () => {
    await project?.docker('swarm', 'leave', '--force')
    await project?.docker('network', 'rm', 'docker_gwbridge')
    await engine?.stop()
    dir.remove()
  })

  /** What the first lines of stack.yaml have the user do. */
  function commands(): string[] {
    const lines = readFileSync(join(project.dir, 'stack.yaml'), 'utf8').split('\n')
    return lines.flatMap((line) => /^# {3}(\S.*)/.exec(line)?.[1] ?? [])
  }

  /** Ids of the tasks of the service whose containers run. */
  async function running(): Promise<string[]> {
    const label = 'com.docker.swarm.service.name=shop_instances'
    const lines = await project.docker('ps', '--no-trunc', '--quiet', '--filter', `label=${label}`)
    return lines.split('\n').filter(Boolean)
  }

  async function spec() {
    const [{ Spec }] = JSON.parse(await project.docker('service', 'inspect', 'shop_instances'))
    return Spec
  }
  const replicas = async (): Promise<number> => (await spec()).Mode.Replicated.Replicas

  it('comes up by the commands of its first lines, has replicas for those who ask, and none again', async () => {
    const all = commands()
    expect(all.at(-2)).toMatch(/^docker stack deploy .*shop$/)
    expect(all.at(-1)).toBe('curl shop.localhost:8080')
    for (const line of all.slice(0, -1)) await project.shell(line)
    const isUp = async () => (await project.ask('http://127.0.0.1:8080/')).status === 404
    await eventually('the edge at its published port', isUp, WAIT_MS)
    expect(await replicas()).toBe(0)
    expect(await running()).toEqual([])
    const { ContainerSpec, RestartPolicy } = (await spec()).TaskTemplate
    expect(ContainerSpec).toMatchObject({ Init: true, StopGracePeriod: 45e9, StopSignal: 'SIGTERM' })
    expect(RestartPolicy.Condition).toBe('none')

    const answers = await Promise.all([1, 2].map(() => project.ask(`${SHOP}?seconds=4`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(2)
    await eventually('no replica', async () => (await running()).length === 0, WAIT_MS)
    await eventually('a lower number', async () => (await replicas()) === 0, WAIT_MS)

    await project.docker('stack', 'rm', 'shop')
    const left = async () => (await project.docker('ps', '--all', '--quiet')).trim() === ''
    await eventually('nothing of the stack', left, WAIT_MS)
  })
})
