import { isLacking, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { type Answer, eventually } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, DockerEdge, expectProblem, importApp } from './docker.testkit.ts'

const WAIT_MS = 60_000

describe.skipIf(await isLacking('docker'))('an edge with a real dockerd', () => {
  let engine: StartedEngine
  let host: string
  let docker: DockerEdge

  beforeAll(async () => {
    engine = await sharedEngine('docker')
    host = engine.env.DOCKER_HOST as string
    await importApp(host)
  })
  afterAll(() => engine?.stop())
  afterEach(() => docker?.close())

  const app = (container: object = {}, more: object = {}) => ({
    hosts: ['shop.localhost'],
    scaler: {
      docker: {
        container: {
          Image: APP_IMAGE,
          Env: ['SECONDS=1', 'BRXY_IDLE=1s'],
          HostConfig: { NetworkMode: 'host' },
          ...container,
        },
      },
    },
    ...more,
  })
  const ask = (): Promise<Answer> => docker.edge.ask('/x', { host: 'shop.localhost' })
  const names = () => docker.docker('ps', '--format', '{{.Names}}')

  it('has nothing until somebody asks, a container for each of four who ask at once, and nothing again', async () => {
    docker = await DockerEdge.start(host, { shop: app({ Env: ['SECONDS=3', 'BRXY_IDLE=1s'] }) })
    expect(await docker.running()).toEqual([])
    const answers = Promise.all([ask(), ask(), ask(), ask()])
    await eventually('four containers', async () => (await docker.running()).length === 4, WAIT_MS)
    for (const { status, text } of await answers)
      expect([status, text]).toEqual([200, expect.stringContaining('GET /x')])
    await docker.untilContainers(0, WAIT_MS)
    expect(docker.edge.matching('launching')).toHaveLength(4)
    expect(docker.edge.matching('launch-failed')).toEqual([])
  })

  it('removes the very container whose instance has left', async () => {
    docker = await DockerEdge.start(host, { shop: app() })
    await Promise.all([ask(), ask()])
    const launches = docker.edge.matching('launching').map(({ launch }) => `brxy-${launch}`)
    expect((await names()).sort()).toEqual([...launches].sort())
    // The newest is served first, so it has no time to be idle.
    let stayed: string[] = []
    await eventually(
      'one of two to leave',
      async () => {
        expect((await ask()).status).toBe(200)
        stayed = await docker.docker('ps', '-a', '--format', '{{.Names}}')
        return stayed.length === 1
      },
      WAIT_MS,
    )
    expect(stayed).toEqual([launches[1]])
    expect(docker.edge.matching('launching')).toHaveLength(2)
  })

  it('gives the container no more than it needs, and the name and labels by which it is found', async () => {
    docker = await DockerEdge.start(host, { shop: app({ Labels: { team: 'a' } }) })
    await ask()
    const [{ launch }] = docker.edge.matching('launching')
    const [text] = await docker.docker('inspect', '--format', '{{json .}}', `brxy-${launch}`)
    const { Config, HostConfig } = JSON.parse(text)
    expect(Config.Labels).toMatchObject({ team: 'a', 'brxy.route': 'shop', 'brxy.launch': launch })
    expect(Config).toMatchObject({ StopTimeout: 45, StopSignal: 'SIGTERM' })
    expect(HostConfig).toMatchObject({
      Init: true,
      AutoRemove: false,
      RestartPolicy: { Name: 'no' },
      NetworkMode: 'host',
    })
  })

  it('leaves containers to the next edge with --on-exit keep, which takes them over', async () => {
    docker = await DockerEdge.start(
      host,
      { shop: app({ Env: ['SECONDS=0.1', 'BRXY_IDLE=30s'] }) },
      { more: { onExit: 'keep' } },
    )
    await ask()
    const before = await names()
    await docker.restart()
    expect((await ask()).status).toBe(200)
    expect(await names()).toEqual(before)
    await docker.docker('rm', '-f', ...before)
  })

  it('fails at once when Docker is not there', async () => {
    docker = await DockerEdge.start(host, { shop: app() }, { docker: { socket: '/nonexistent/docker.sock' } })
    expectProblem(await ask(), 'unavailable')
    expect(docker.edge.stdout).toContain('is dockerd running')
  })
})
