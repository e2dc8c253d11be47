import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLacking, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { type Answer, eventually, freePorts, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, createService, DockerEdge, importApp } from './docker.testkit.ts'

const WAIT_MS = 60_000

describe.skipIf(await isLacking('swarm'))('an edge with a real Swarm', () => {
  let engine: StartedEngine
  let host: string
  let swarm: DockerEdge

  beforeAll(async () => {
    engine = await sharedEngine('swarm')
    host = engine.env.DOCKER_HOST as string
    await importApp(host)
  })
  afterAll(() => engine?.stop())
  afterEach(() => swarm?.close())

  const app = () => ({
    hosts: ['shop.localhost'],
    scaler: {
      docker: {
        task: {
          TaskTemplate: {
            ContainerSpec: { Image: APP_IMAGE, Env: ['SECONDS=4', 'BRXY_IDLE=1s'] },
            Networks: [{ Target: 'host' }],
          },
        },
      },
    },
  })
  const ask = (): Promise<Answer> => swarm.edge.ask('/x', { host: 'shop.localhost' })
  const services = () => swarm.docker('service', 'ls', '-q')

  it('has a service for each of four who ask at once, and none again', async () => {
    swarm = await DockerEdge.start(host, { shop: app() })
    expect(await services()).toEqual([])
    const answers = Promise.all([ask(), ask(), ask(), ask()])
    await eventually('four services', async () => (await services()).length === 4, WAIT_MS)
    for (const { status, text } of await answers)
      expect([status, text]).toEqual([200, expect.stringContaining('GET /x')])
    await eventually('no service', async () => (await services()).length === 0, WAIT_MS)
    expect(swarm.edge.matching('launching')).toHaveLength(4)
    expect(swarm.edge.matching('launch-failed')).toEqual([])
  })

  it('raises the replicas of a service for four who ask at once, and lowers them again', async () => {
    const [tunnel] = await freePorts(1)
    const dir = tempDir()
    const token = join(dir.path, 'token')
    // What its operator deploys: it reads its token from a file, and says by the task's id who it is.
    const name = 'shop-instances'
    const env = ['SECONDS=4', 'BRXY_IDLE=1s', 'ROUTE=shop', `BRXY_EDGE=ws://127.0.0.1:${tunnel}`]
    const flags = [...env, 'BRXY_TOKEN_FILE=/run/secrets/brxy', 'BRXY_INSTANCE={{.Task.ID}}'].flatMap(
      (each) => ['-e', each],
    )
    try {
      swarm = await DockerEdge.start(
        host,
        { shop: { hosts: ['shop.localhost'], scaler: { docker: { service: name } } } },
        { tunnel },
      )
      writeFileSync(token, (await swarm.token('shop')).trim())
      await swarm.docker('secret', 'create', 'brxy', token)
      await createService(host, name, ['--secret', 'brxy', ...flags])
      const answers = Promise.all([ask(), ask(), ask(), ask()])
      await eventually('four containers', async () => (await swarm.running()).length === 4, WAIT_MS)
      for (const { status, text } of await answers)
        expect([status, text]).toEqual([200, expect.stringContaining('GET /x')])
      const replicas = async () =>
        (await swarm.docker('service', 'inspect', '--format', '{{.Spec.Mode.Replicated.Replicas}}', name))[0]
      await eventually('no replicas', async () => (await replicas()) === '0', WAIT_MS)
      expect(await swarm.running()).toEqual([])
      expect(swarm.edge.matching('launch failed')).toEqual([])
    } finally {
      await swarm.docker('service', 'rm', name)
      await swarm.docker('secret', 'rm', 'brxy')
      dir.remove()
    }
  })
})
