import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLacking, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { ask, brxy, eventually, freePorts } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, dockerLines, importApp } from './docker.testkit.ts'

// compose.test.ts has its compose.yaml, compose-stack.test.ts its stack.yaml.
const EXAMPLES = fileURLToPath(new URL('../../../examples/docker', import.meta.url))

describe.skipIf(await isLacking('docker'))('examples/docker', () => {
  let engine: StartedEngine
  let host: string
  let dir: string
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-examples-'))
    engine = await sharedEngine('docker')
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
})
