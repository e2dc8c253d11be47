import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isLacking, startDockerd, stopDockerd } from '@brxy-tooling/engines'
import { freePorts, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { TestCa, type TestCertificate } from '../e2e/test-ca.ts'
import {
  APP_IMAGE,
  DockerEdge,
  type DockerEdgeOptions,
  expectProblem,
  hasProblem,
  importApp,
  messageOf,
} from './docker.testkit.ts'

describe.skipIf(await isLacking('docker'))('a real dockerd with --tlsverify', () => {
  let dir: ReturnType<typeof tempDir>
  let host: string
  let tcp: string
  let ca: TestCa
  let strangers: TestCa
  let edge: DockerEdge | undefined

  beforeAll(async () => {
    dir = tempDir()
    const certificates = join(dir.path, 'certificates')
    mkdirSync(certificates)
    mkdirSync(join(dir.path, 'dockerd'))
    ca = new TestCa(certificates)
    strangers = new TestCa(certificates, 'strangers')
    const { cert, key } = ca.sign('server', ['IP:127.0.0.1'])
    const [port] = await freePorts(1)
    tcp = `tcp://127.0.0.1:${port}`
    const files = ['--tlscacert', ca.file, '--tlscert', ca.path(cert), '--tlskey', ca.path(key)]
    host = await startDockerd(join(dir.path, 'dockerd'), ['--tlsverify', ...files, '--host', tcp])
    await importApp(host)
  })
  afterAll(async () => {
    await stopDockerd(join(dir.path, 'dockerd'))
    dir.remove()
  })
  afterEach(async () => {
    await edge?.close()
    edge = undefined
  })

  const start = async (options: DockerEdgeOptions) => {
    const container = {
      Image: APP_IMAGE,
      Env: ['SECONDS=0', 'BRXY_IDLE=1s'],
      HostConfig: { NetworkMode: 'host' },
    }
    edge = await DockerEdge.start(
      host,
      { shop: { hosts: ['shop.localhost'], scaler: { docker: { container } } } },
      options,
    )
    return edge
  }
  const ask = () => (edge as DockerEdge).edge.ask('/x', { host: 'shop.localhost' })
  const files = ({ cert, key }: TestCertificate, by: TestCa) => ({
    ca: ca.file,
    cert: by.path(cert),
    key: by.path(key),
  })

  /** Held requests fail soon, with the class, and the operator reads what the other side said. */
  async function expectRefused(problem: string, says: RegExp): Promise<void> {
    expectProblem(await ask(), problem)
    const failed = await (edge as DockerEdge).edge.event('launch failed', hasProblem)
    expect(messageOf(failed.problem)).toMatch(says)
  }

  it('starts containers for an edge with a certificate of its CA', async () => {
    await start({ docker: { host: tcp, tls: files(ca.sign('edge', []), ca) } })
    expect((await ask()).status).toBe(200)
    await edge?.untilContainers(0, 60_000)
  })

  it("starts containers for an edge that has what Docker's own client has in its environment", async () => {
    const { cert, key } = ca.sign('edge', [])
    const folder = join(dir.path, 'client')
    mkdirSync(folder)
    copyFileSync(ca.file, join(folder, 'ca.pem'))
    copyFileSync(ca.path(cert), join(folder, 'cert.pem'))
    copyFileSync(ca.path(key), join(folder, 'key.pem'))
    const env = { DOCKER_HOST: tcp, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder }
    await start({ docker: {}, process: { env } })
    expect((await ask()).status).toBe(200)
    await edge?.untilContainers(0, 60_000)
  })

  it('refuses one whose certificate is of another CA, which is denied', async () => {
    await start({ docker: { host: tcp, tls: files(strangers.sign('stranger', []), strangers) } })
    await expectRefused('denied', /certificate/)
  })

  it('refuses one without a certificate, which is denied', async () => {
    await start({ docker: { host: tcp, tls: { ca: ca.file } } })
    await expectRefused('denied', /certificate/)
  })

  it('is not believed if its certificate is of another CA', async () => {
    await start({ docker: { host: tcp, tls: { ...files(ca.sign('edge', []), ca), ca: strangers.file } } })
    await expectRefused('unavailable', /certificate|self.signed/)
  })
})
