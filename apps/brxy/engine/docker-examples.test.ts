import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLacking, run, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { ask, brxy, eventually, freePorts } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, DockerEdge, dockerLines, importApp } from './docker.testkit.ts'

// compose.test.ts has its compose.yaml.
const EXAMPLES = fileURLToPath(new URL('../../../examples/docker', import.meta.url))

const WAIT_MS = 60_000

describe.skipIf(await isLacking('swarm'))('examples/docker', () => {
  let engine: StartedEngine
  let host: string
  let dir: string
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-examples-'))
    engine = await sharedEngine('swarm')
    host = engine.env.DOCKER_HOST as string
    await importApp(host)
  })
  afterAll(async () => {
    await engine?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it('has an edge that starts a container when somebody asks, and stops it when it ends', async () => {
    const [port, tunnel, admin] = await freePorts(3)
    const secret = join(dir, 'secret')
    writeFileSync(secret, 'a secret that signs tokens\n')
    const env = {
      DOCKER_HOST: host,
      LISTEN: `127.0.0.1:${port}`,
      TUNNEL: `127.0.0.1:${tunnel}`,
      ADVERTISE: `127.0.0.1:${tunnel}`,
      ADMIN: `127.0.0.1:${admin}`,
      SECRET_FILE: secret,
      NETWORK: 'host',
      APP_IMAGE,
      BRXY_LOG: 'json',
    }
    const edge = brxy(['edge', '-f', join(EXAMPLES, 'brxy.yaml'), '--state-dir', join(dir, 'state')], { env })
    try {
      await eventually('the edge', () => edge.stdout.includes('"listening"'))
      expect((await ask(port, '/', { host: 'hello.localhost' })).status).toBe(200)
      expect(await dockerLines(host, 'ps', '-q')).toHaveLength(1)
    } finally {
      await edge.stop(60_000)
    }
    expect(await dockerLines(host, 'ps', '-q')).toEqual([])
  })

  it('has a stack whose replicas an edge raises for two who ask at once, and lowers again', async () => {
    const [tunnel] = await freePorts(1)
    const service = { docker: { service: 'shop_instances' } }
    const swarm = await DockerEdge.start(
      host,
      { shop: { hosts: ['shop.localhost'], scaler: service } },
      { tunnel },
    )
    try {
      const token = join(dir, 'token')
      writeFileSync(token, (await swarm.token('shop')).trim())
      await dockerLines(host, 'secret', 'create', 'brxy-shop', token)
      const words = [
        'stack',
        'deploy',
        '--resolve-image',
        'never',
        '-c',
        join(EXAMPLES, 'stack.yaml'),
        'shop',
      ]
      const BRXY_EDGE = `ws://127.0.0.1:${tunnel}`
      await run('docker', words, {
        DOCKER_HOST: host,
        NETWORK: 'host',
        APP_IMAGE,
        BRXY_EDGE,
        BRXY_IDLE: '1s',
      })
      const inspect = ['service', 'inspect', '--format', '{{json .Spec}}', 'shop_instances']
      const { Mode, TaskTemplate } = JSON.parse((await dockerLines(host, ...inspect))[0])
      expect(Mode).toEqual({ Replicated: { Replicas: 0 } })
      expect(TaskTemplate.RestartPolicy.Condition).toBe('none')
      expect(TaskTemplate.ContainerSpec).toMatchObject({
        Init: true,
        StopGracePeriod: 45e9,
        StopSignal: 'SIGTERM',
      })

      const asked = () => swarm.edge.ask('/', { host: 'shop.localhost' })
      const answers = Promise.all([asked(), asked()])
      await eventually('two replicas', async () => (await swarm.running()).length === 2, WAIT_MS)
      expect((await answers).map(({ status }) => status)).toEqual([200, 200])
      await eventually('no replica', async () => (await swarm.running()).length === 0, WAIT_MS)
      const lowered = async () =>
        JSON.parse((await dockerLines(host, ...inspect))[0]).Mode.Replicated.Replicas === 0
      await eventually('a lower number', lowered, WAIT_MS)
      expect(swarm.edge.matching('launch failed')).toEqual([])
    } finally {
      await swarm.close()
      await dockerLines(host, 'stack', 'rm', 'shop')
    }
  })
})
