import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLacking, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { type Answer, eventually, freePorts, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, createService, DockerEdge, importApp, UNTIL_TOLD } from './docker.testkit.ts'
import { openRequest } from './kubernetes/workload.ts'

const WAIT_MS = 60_000
const SERVICE = 'shop-instances'

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
    await withService(['SECONDS=4'], [], async (replicas) => {
      const answers = Promise.all([ask(), ask(), ask(), ask()])
      await eventually('four containers', async () => (await swarm.running()).length === 4, WAIT_MS)
      for (const { status, text } of await answers)
        expect([status, text]).toEqual([200, expect.stringContaining('GET /x')])
      await eventually('no replicas', async () => (await replicas()) === 0, WAIT_MS)
      expect(await swarm.running()).toEqual([])
      expect(swarm.edge.matching('launch failed')).toEqual([])
    })
  })

  it('removes the very service whose instance has left, while the others go on serving', async () => {
    const ContainerSpec = {
      Image: APP_IMAGE,
      Args: UNTIL_TOLD,
      Env: ['BRXY_IDLE=1s', 'POD={{.Service.Name}}'],
    }
    const task = { TaskTemplate: { ContainerSpec, Networks: [{ Target: 'host' }] } }
    swarm = await DockerEdge.start(host, { shop: { hosts: ['shop.test'], scaler: { docker: { task } } } })
    const names = () => swarm.docker('service', 'ls', '--format', '{{.Name}}')
    await expectExactRemoval(names)
  })

  it('lowers the replicas by the one whose instance has left, while the others go on serving', async () => {
    await withService(['POD={{.Task.ID}}'], UNTIL_TOLD, async (replicas) => {
      const words = ['service', 'ps', '--filter', 'desired-state=running', '--no-trunc', '--quiet', SERVICE]
      await expectExactRemoval(
        () => swarm.docker(...words),
        async () => (await replicas()) === 2,
      )
    })
  })

  /**
   * Of three at work one finishes, and leaves; the others finish when it is gone.
   *
   * @param names of what is there
   * @param isRemoved whether also the edge has done its part
   */
  async function expectExactRemoval(
    names: () => Promise<string[]>,
    isRemoved = async () => true,
  ): Promise<void> {
    const requests = [1, 2, 3].map(() => openRequest(swarm.edge.port))
    try {
      const servers = await Promise.all(requests.map(({ pod }) => pod))
      expect([...(await names())].sort()).toEqual([...servers].sort())
      // In the middle of the names: neither the first nor the last to be there.
      const [, leaver = ''] = [...servers].sort()
      const others = servers.filter((name) => name !== leaver).sort()
      expect(await requests[servers.indexOf(leaver)]?.end()).toBe(true)
      const isGone = async () => !(await names()).includes(leaver) && (await isRemoved())
      await eventually('one of three to be gone', isGone, WAIT_MS)
      expect([...(await names())].sort()).toEqual(others)
      for (const name of others) expect(await requests[servers.indexOf(name)]?.end()).toBe(true)
      expect(swarm.edge.matching('launching')).toHaveLength(3)
      expect(swarm.edge.matching('left', ({ reason }) => reason !== 'idle')).toEqual([])
    } finally {
      await Promise.allSettled(requests.map((request) => request.end()))
    }
  }

  /**
   * What an operator deploys: it reads its token from a file, and says by the task's id who it is.
   *
   * @param command instead of the image's
   */
  async function withService(
    env: readonly string[],
    command: readonly string[],
    run: (replicas: () => Promise<number>) => Promise<void>,
  ): Promise<void> {
    const [tunnel] = await freePorts(1)
    const dir = tempDir()
    const token = join(dir.path, 'token')
    const own = ['BRXY_IDLE=1s', 'ROUTE=shop', `BRXY_EDGE=ws://127.0.0.1:${tunnel}`]
    const flags = [...own, 'BRXY_TOKEN_FILE=/run/secrets/brxy', 'BRXY_INSTANCE={{.Task.ID}}', ...env].flatMap(
      (each) => ['-e', each],
    )
    const hosts = ['shop.localhost', 'shop.test']
    const scaler = { docker: { service: SERVICE } }
    swarm = await DockerEdge.start(host, { shop: { hosts, scaler } }, { tunnel })
    try {
      writeFileSync(token, (await swarm.token('shop')).trim())
      await swarm.docker('secret', 'create', 'brxy', token)
      await createService(host, SERVICE, ['--secret', 'brxy', ...flags], [APP_IMAGE, ...command])
      const format = '{{.Spec.Mode.Replicated.Replicas}}'
      await run(async () =>
        Number((await swarm.docker('service', 'inspect', '--format', format, SERVICE))[0]),
      )
    } finally {
      await swarm.docker('service', 'rm', SERVICE)
      await swarm.docker('secret', 'rm', 'brxy')
      dir.remove()
    }
  }
})
