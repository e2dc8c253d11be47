import { type StartedEngine, startEngine, whyNot } from '@brxy-tooling/engines'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, DockerEdge, importApp } from './docker.testkit.ts'

const missing = await whyNot('docker')
if (missing !== null) console.warn(`SKIPPED: tests of Docker: ${missing}`)

const WAIT_MS = 60_000

describe.skipIf(missing !== null)('a real dockerd', () => {
  let engine: StartedEngine
  let host: string
  let docker: DockerEdge

  beforeAll(async () => {
    engine = await startEngine('docker')
    host = engine.env.DOCKER_HOST as string
    await importApp(host)
  })
  afterAll(() => engine?.stop())
  afterEach(() => docker?.close())

  const app = (more: object = {}, container: object = {}) => ({
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
  const ask = () => docker.edge.ask('/x', { host: 'shop.localhost' })

  it('has nothing until somebody asks, then one container, and none again when nobody does', async () => {
    docker = await DockerEdge.start(host, { shop: app() })
    expect(await docker.running()).toEqual([])
    expect(await ask()).toMatchObject({ status: 200, text: expect.stringContaining('GET /x') })
    expect(await docker.running()).toHaveLength(1)
    await docker.untilContainers(0, WAIT_MS)
    expect(docker.edge.matching('launch failed')).toEqual([])
  })
})
