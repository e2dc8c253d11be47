import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DockerClient } from './client.ts'

let dir: string
let cert: string
let key: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-client-tls-'))
  cert = join(dir, 'cert.pem')
  key = join(dir, 'key.pem')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  const names = ['-subj', '/CN=engine', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...curve, '-out', cert, '-days', '2', ...names], {
    stdio: 'ignore',
  })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

it('speaks TLS with its certificate to an Engine that asks for one, and trusts no other', async () => {
  const files = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(cert) }
  const options = { ...files, requestCert: true, rejectUnauthorized: true }
  const server = createServer(options, (_request, response) => {
    response.setHeader('api-version', '1.41')
    response.end('{"ok":true}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = (tls: { ca?: string; cert?: string; key?: string }) =>
    new DockerClient({
      kind: 'tcp',
      host: '127.0.0.1',
      port,
      tls: { ca: undefined, cert: undefined, key: undefined, ...tls },
    })
  const clients = [client({ ca: cert, cert, key }), client({ cert, key }), client({ ca: cert })]
  try {
    expect(await clients[0].call({ path: '/info' })).toEqual({ ok: true })
    await expect(clients[1].call({ path: '/info' })).rejects.toThrow(/self-signed certificate/)
    await expect(clients[2].call({ path: '/info' })).rejects.toMatchObject({ code: 'scaler/denied' })
    await expect(client({ ca: join(dir, 'none.pem') }).call({ path: '/x' })).rejects.toThrow(/none\.pem/)
  } finally {
    for (const each of clients) each.close()
    server.closeAllConnections()
    server.close()
  }
})
