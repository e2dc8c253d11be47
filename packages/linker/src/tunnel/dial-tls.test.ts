import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TlsOptions } from 'node:tls'
import { TimerWheel } from '@brxy/protocol/transport'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { type CertificateFiles, makeCertificate } from './certificate.testkit.ts'
import { Dial, type Refusal } from './dial.ts'
import { edgeUrl } from './edge-address.ts'
import { type EdgeTlsFiles, readEdgeTls } from './edge-tls.ts'

let directory: string
let ca: CertificateFiles
let otherCa: CertificateFiles
let own: CertificateFiles
let named: CertificateFiles
let client: CertificateFiles
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brxy-dial-'))
  ca = makeCertificate(directory, 'ca', [])
  otherCa = makeCertificate(directory, 'other-ca', [])
  own = makeCertificate(directory, 'own', ['IP:127.0.0.1'], ca)
  named = makeCertificate(directory, 'named', ['DNS:edge.test'], ca)
  client = makeCertificate(directory, 'client', [], ca)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** An edge as far as its TLS goes: it answers every request 418, after which nobody upgrades. @returns its port */
async function listen({ cert, key }: CertificateFiles, more: TlsOptions = {}): Promise<number> {
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key), ...more }, (socket) => {
    socket.on('error', () => {})
    const { authorized } = socket
    socket.once('data', () =>
      socket.end(`HTTP/1.1 418 No\r\n\r\n{"code":"edge/test","message":"authorized ${authorized}"}`),
    )
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const NONE: EdgeTlsFiles = { edgeCa: undefined, edgeCert: undefined, edgeKey: undefined }

async function refusal(url: string, files: Partial<EdgeTlsFiles> = {}): Promise<Refusal> {
  const wheel = new TimerWheel()
  const refusals: Refusal[] = []
  const all = { ...NONE, ...files }
  const identity = { token: 'secret', tls: readEdgeTls(all), ca: all.edgeCa }
  const dial = new Dial(edgeUrl(url), identity, wheel, {
    onOpen: () => {},
    onFailed: (each) => void refusals.push(each),
  })
  closing.push(() => {
    dial.abort()
    wheel.close()
  })
  await until('a refusal', () => refusals.length > 0)
  return refusals[0] as Refusal
}

describe('a dial with TLS', () => {
  test('believes an edge that its CA vouches for', async () => {
    const port = await listen(own)
    expect(await refusal(`wss://127.0.0.1:${port}`, { edgeCa: ca.cert })).toMatchObject({ code: 'edge/test' })
  })

  test('says that no public CA knows the edge, and what to give', async () => {
    const port = await listen(own)
    const { code, message } = await refusal(`wss://127.0.0.1:${port}`)
    expect([code, message]).toEqual([
      'link/tls',
      'no public CA has signed the certificate of the edge (UNABLE_TO_VERIFY_LEAF_SIGNATURE); give the file with the CA that did with --edge-ca or BRXY_EDGE_CA',
    ])
  })

  test('says that it was the wrong CA, and which', async () => {
    const port = await listen(own)
    const { code, message } = await refusal(`wss://127.0.0.1:${port}`, { edgeCa: otherCa.cert })
    expect(code).toBe('link/tls')
    expect(message).toMatch(
      /^the CA in ".*other-ca\.pem" has not signed the certificate of the edge \(.*--edge-ca/,
    )
  })

  test('says that the edge has another name', async () => {
    const port = await listen(named)
    const { code, message } = await refusal(`wss://127.0.0.1:${port}`, { edgeCa: ca.cert })
    expect([code, message]).toEqual([
      'link/tls',
      'the certificate of the edge is for DNS:edge.test, not for 127.0.0.1; dial a name that it has (what launches dial is tunnel.advertise of the edge)',
    ])
  })

  test('says that the edge speaks no TLS', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const { code, message } = await refusal(`wss://127.0.0.1:${port}`)
    expect([code, message]).toEqual([
      'link/tls',
      `the edge does not speak TLS at this port; dial ws://127.0.0.1:${port}, or give the edge tunnel.tls`,
    ])
  })

  test('says that a client certificate is wanted, where TLS itself says so', async () => {
    const port = await listen(own, { requestCert: true, ca: readFileSync(ca.cert) })
    const { code, message } = await refusal(`wss://127.0.0.1:${port}`, { edgeCa: ca.cert })
    expect([code, message]).toEqual([
      'link/tls',
      'the edge wants a client certificate that it knows the CA of; give it with --edge-cert and BRXY_EDGE_KEY',
    ])
  })

  test('presents its certificate, with the key beside it or in the same file', async () => {
    const port = await listen(own, {
      requestCert: true,
      rejectUnauthorized: false,
      ca: readFileSync(ca.cert),
    })
    const both = join(directory, 'both.pem')
    writeFileSync(both, readFileSync(client.cert, 'utf8') + readFileSync(client.key, 'utf8'))
    for (const [files, said] of [
      [{}, 'authorized false'],
      [{ edgeCert: client.cert, edgeKey: client.key }, 'authorized true'],
      [{ edgeCert: both }, 'authorized true'],
    ] as const) {
      const { message } = await refusal(`wss://127.0.0.1:${port}`, { edgeCa: ca.cert, ...files })
      expect(message).toBe(said)
    }
  })
})

describe('the files for TLS', () => {
  const problem = (files: Partial<EdgeTlsFiles>): string => {
    try {
      readEdgeTls({ ...NONE, ...files })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      expect(code).toBe('link/tls-file')
      return message.replaceAll(`${directory}/`, '')
    }
    return ''
  }

  test('are named when they cannot be used, with the reason', () => {
    const noise = join(directory, 'noise.pem')
    writeFileSync(noise, 'noise')
    expect(problem({ edgeCa: join(directory, 'missing.pem') })).toBe('cannot read "missing.pem" (ENOENT)')
    expect(problem({ edgeCa: noise })).toBe('"noise.pem" has no certificate in PEM in it')
    expect(problem({ edgeCert: client.cert })).toBe(
      '"client.pem" has no private key in PEM in it; name the file that has it in BRXY_EDGE_KEY',
    )
    expect(problem({ edgeKey: client.key })).toBe(
      '"client.key" is a key without a certificate; give it with --edge-cert or BRXY_EDGE_CERT',
    )
    expect(problem({ edgeCert: client.cert, edgeKey: ca.key })).toBe(
      '"client.pem" cannot be used: the key in "ca.key" is not the one of it',
    )
    writeFileSync(noise, '-----BEGIN CERTIFICATE-----\nnoise\n')
    expect(problem({ edgeCert: noise, edgeKey: client.key })).toMatch(/^"noise.pem" cannot be used: /)
  })

  test('are read anew at each call', () => {
    const renewed = join(directory, 'renewed.pem')
    expect(problem({ edgeCa: renewed })).toMatch(/ENOENT/)
    writeFileSync(renewed, readFileSync(ca.cert))
    expect(problem({ edgeCa: renewed })).toBe('')
  })
})
