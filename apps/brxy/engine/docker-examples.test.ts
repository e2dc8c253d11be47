import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  addBrxy,
  addBusybox,
  addNode,
  importImage,
  run,
  type StartedEngine,
  startEngine,
  whyNot,
} from '@brxy-tooling/engines'
import { ask, brxy, eventually, freePorts } from '@brxy-tooling/testkit'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, DockerEdge, dockerLines, importApp } from './docker.testkit.ts'

const missing = await whyNot('swarm')
if (missing !== null) console.warn(`SKIPPED: examples/docker: ${missing}`)

const EXAMPLES = fileURLToPath(new URL('../../../examples/docker', import.meta.url))

const EDGE_IMAGE = 'brxy-test/edge'
const WAIT_MS = 60_000

describe.skipIf(missing !== null)('examples/docker', () => {
  let engine: StartedEngine
  let host: string
  let dir: string
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-examples-'))
    engine = await startEngine('swarm')
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
      BRXY_ON_EXIT: 'stop',
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

  // docker compose is not in Debian's docker.io, and builds its images from a registry: what the file says of the edge is
  // said to `docker run` here, and the images have what its Dockerfiles install.
  it('has an edge in a container that starts others, with the socket, the file and the secret that compose.yaml gives it', async () => {
    const { services } = load(readFileSync(join(EXAMPLES, 'compose.yaml'), 'utf8')) as {
      services: { edge: { volumes: string[]; secrets: string[]; stop_grace_period: string } }
    }
    const { volumes, secrets, stop_grace_period } = services.edge
    expect(volumes).toContain('/var/run/docker.sock:/var/run/docker.sock')
    expect(stop_grace_period).toBe('45s')
    expect(secrets).toEqual(['brxy'])
    const own = join(dir, 'compose')
    mkdirSync(own)
    writeFileSync(join(own, 'secret'), 'a secret that signs tokens\n')
    const [port, tunnel, admin] = await freePorts(3)
    const env = {
      LISTEN: `127.0.0.1:${port}`,
      TUNNEL: `127.0.0.1:${tunnel}`,
      ADVERTISE: `127.0.0.1:${tunnel}`,
      ADMIN: `127.0.0.1:${admin}`,
      NETWORK: 'host',
      APP_IMAGE,
      BRXY_ON_EXIT: 'stop',
    }
    const mounts = [...volumes, './secret:/run/secrets/brxy:ro'].map((volume) =>
      volume
        .replace('/var/run/docker.sock:', `${host.replace('unix://', '')}:`)
        .replace('./brxy.yaml:', `${join(EXAMPLES, 'brxy.yaml')}:`)
        .replace('./secret:', `${join(own, 'secret')}:`),
    )
    // As edge.Dockerfile has it, but for where Node and brxy come from.
    const dockerfile = readFileSync(join(EXAMPLES, 'edge.Dockerfile'), 'utf8').trim().split('\n')
    expect(dockerfile.slice(0, -1)).toEqual([
      'FROM node:22-slim',
      'RUN npm install --global brxy && install -d -m 0700 /var/lib/brxy',
    ])
    await importImage(host, {
      name: EDGE_IMAGE,
      changes: ['ENV PATH=/bin', `${dockerfile.at(-1)}`],
      fill(rootfs) {
        addBusybox(rootfs)
        addNode(rootfs)
        addBrxy(rootfs)
        mkdirSync(join(rootfs, 'var/lib/brxy'), { recursive: true, mode: 0o700 })
      },
    })
    const flags = [
      ...mounts.flatMap((mount) => ['-v', mount]),
      ...Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    ]
    await dockerLines(
      host,
      'run',
      '-d',
      '--name',
      'edge',
      '--network',
      'host',
      '--stop-timeout',
      '45',
      ...flags,
      EDGE_IMAGE,
    )
    try {
      await eventually(
        'the edge',
        async () => (await ask(port, '/', { host: 'nobody.test' }).catch(() => null))?.status === 404,
        WAIT_MS,
      )
      expect((await ask(port, '/', { host: 'hello.localhost' })).status).toBe(200)
      expect(await dockerLines(host, 'ps', '-q')).toHaveLength(2)
      await dockerLines(host, 'stop', 'edge')
      expect(await dockerLines(host, 'ps', '-q')).toEqual([])
    } finally {
      await dockerLines(host, 'rm', '--force', '--volumes', 'edge')
    }
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
