import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { KubeClient } from './client.ts'
import { scalerError } from './error.ts'
import { InCluster, isInCluster } from './in-cluster.ts'

const PODS = '/api/v1/namespaces/shop/pods'
let certificates: string
let account: string
let server: Server
let client: KubeClient
/** What the API takes. */
let token: string
/** What it was shown. */
let shown: (string | undefined)[]

beforeAll(() => {
  certificates = mkdtempSync(join(tmpdir(), 'brxy-in-cluster-'))
  for (const name of ['own', 'other']) {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const files = ['-keyout', join(certificates, `${name}.key`), '-out', join(certificates, `${name}.pem`)]
    const names = ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', '-x509', ...curve, ...files, '-days', '2', ...names], { stdio: 'ignore' })
  }
})
afterAll(() => rmSync(certificates, { recursive: true }))

beforeEach(async () => {
  // Only this clock: sockets need theirs.
  vi.useFakeTimers({ toFake: ['performance'] })
  shown = []
  token = 'one'
  const [cert, key] = ['own.pem', 'own.key'].map((name) => readFileSync(join(certificates, name)))
  server = createServer({ cert, key }, (request, response) => {
    shown.push(request.headers.authorization)
    const isKnown = request.headers.authorization === `Bearer ${token}`
    response.writeHead(isKnown ? 200 : 401).end(isKnown ? '{"items":[]}' : '{"message":"Unauthorized"}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  account = join(certificates, 'account')
  mkdirSync(account)
  give('token', 'one\n')
  give('ca.crt', readFileSync(join(certificates, 'own.pem'), 'utf8'))
  give('namespace', 'shop')
  client = new KubeClient(inCluster())
})
afterEach(async () => {
  vi.useRealTimers()
  await client.close()
  server.closeAllConnections()
  server.close()
  rmSync(account, { recursive: true })
})

function give(name: string, text: string): void {
  writeFileSync(join(account, name), text)
}

function inCluster(): InCluster {
  const { port } = server.address() as AddressInfo
  return new InCluster({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: `${port}` }, account)
}

function pods(): Promise<unknown> {
  const { signal } = new AbortController()
  return client.request(PODS, {}, signal).catch((error) => scalerError(error, signal))
}

it("asks the API with the token and the CA of the pod's service account", async () => {
  expect(await pods()).toEqual({ items: [] })
  expect(shown).toEqual(['Bearer one'])
  expect(await inCluster().namespace()).toBe('shop')
})

it('reads the token again when the file has rotated, before the API refuses the old one', async () => {
  await pods()
  give('token', 'two\n')
  vi.advanceTimersByTime(9_999)
  await pods()
  vi.advanceTimersByTime(1)
  token = 'two'
  expect(await pods()).toEqual({ items: [] })
  expect(shown).toEqual(['Bearer one', 'Bearer one', 'Bearer two'])
})

it('reads the token again at once when the API refuses the one that it has', async () => {
  await pods()
  give('token', 'two\n')
  token = 'two'
  expect(await pods()).toEqual({ items: [] })
  expect(shown).toEqual(['Bearer one', 'Bearer one', 'Bearer two'])
})

it('shows no token to an API that another CA vouches for, and says so', async () => {
  give('ca.crt', readFileSync(join(certificates, 'other.pem'), 'utf8'))
  expect(await pods()).toMatchObject({
    code: 'scaler/unavailable',
    message: expect.stringMatching(
      /^Kubernetes does not answer at https:\/\/127\.0\.0\.1:\d+: .*certificate/,
    ),
  })
  expect(shown).toEqual([])
})

it('says what a pod without a service account lacks', async () => {
  rmSync(join(account, 'token'))
  expect(await pods()).toMatchObject({
    code: 'scaler/unavailable',
    message: expect.stringMatching(/cannot read .*\/token: give this edge's pod a service account/),
  })
})

it('is in a cluster only where there is a service and an account', () => {
  expect(isInCluster({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, account)).toBe(true)
  expect(isInCluster({}, account)).toBe(false)
  expect(isInCluster({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, join(account, 'none'))).toBe(false)
})
