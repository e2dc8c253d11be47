import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SecureClientSessionOptions } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { TestEdge, testConfiguration } from '../../edge.testkit.ts'
import type { EdgeConfiguration } from '../../edge.ts'
import { eventually, poll, within } from '../../eventually.testkit.ts'
import { freePorts } from '../../port.testkit.ts'
import { TestCa } from '../../tls/test-ca.testkit.ts'
import { Http2Client } from './http2.testkit.ts'

vi.setConfig({ testTimeout: 20_000 })

type Options = EdgeConfiguration['options']

let ca: TestCa
beforeAll(() => {
  ca = new TestCa()
})
afterAll(() => ca.remove())

let edge: TestEdge
const clients: { close(): void }[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await edge.close()
})

/** A certificate of the CA for `shop`. */
function certificate() {
  const { cert, key } = ca.sign(['shop'])
  return { cert: `${ca.directory}/${cert}`, key: `${ca.directory}/${key}` }
}

async function start(more: Options = {}, listen: object = {}): Promise<void> {
  const tls = { certs: [certificate()] }
  edge = await TestEdge.start({ listen: [{ bind: '127.0.0.1:0', tls, ...listen }], ...more })
}

function connect(port = edge.port, more: SecureClientSessionOptions = {}): Http2Client {
  const client = new Http2Client(port, { ca: ca.ca, ...more })
  clients.push(client)
  return client
}

/** What the server agrees to speak with a client that offers so much. */
async function agreed(...offered: string[]): Promise<string | false | null> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: edge.port,
    ca: ca.ca,
    servername: 'shop',
    ALPNProtocols: offered,
  })
  clients.push({ close: () => socket.destroy() })
  await within(
    'a handshake',
    new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
  )
  return socket.alpnProtocol
}

describe('a listener with TLS', () => {
  it('speaks HTTP/2 with a client that offers it, and else HTTP/1.1', async () => {
    await start()
    expect(await agreed('http/1.1', 'h2')).toBe('h2')
    expect(await agreed('http/1.1')).toBe('http/1.1')
    expect(await agreed()).toBe(false)
  })

  it('speaks HTTP/1.1 alone where HTTP/2 is switched off', async () => {
    await start({}, { http2: false })
    expect(await agreed('h2', 'http/1.1')).toBe('http/1.1')
  })

  it('carries requests and bodies of many megabytes, and the application knows that they came by https', async () => {
    await start()
    const linker = await edge.linker()
    const body = Buffer.alloc(3 * 1024 * 1024, 'both ways')
    const call = connect().post({ 'x-forwarded-proto': 'http' }).end(body)
    const request = await linker.next()
    expect(request.head.match(/X-Forwarded-Proto: .*/gi)).toEqual(['X-Forwarded-Proto: https'])
    expect(request.head).toMatch(/\r\nVia: 2\.0 /)
    await poll(() => request.ended).toBe(true)
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n', 1, body.length)
    request.write(request.body)
    await call.over()
    expect([call.isEnded, call.body.equals(body)]).toEqual([true, true])
  })

  it('loses a connection without harm, whichever way it goes', async () => {
    await start()
    const linker = await edge.linker({ slots: 3 })
    const client = connect()
    client.ask()
    const first = await linker.next()
    client.session.destroy()
    await poll(() => first.resetCode).not.toBe(null)
    const tcp = connectTcp(edge.port, '127.0.0.1')
    const other = connect(edge.port, { socket: tcp })
    other.ask()
    const second = await linker.next()
    second.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    tcp.resetAndDestroy()
    await poll(() => second.resetCode).not.toBe(null)
    await poll(() => edge.edge.status().connections).toBe(0)
  })

  it('ends with the edge, with a connection of HTTP/2 open', async () => {
    await start()
    const client = connect()
    await eventually('the session', () => !client.session.connecting && edge.edge.status().connections === 1)
    await edge.edge.stop()
    await client.closed()
  })
})

describe('a reload', () => {
  it('of certificates, of HTTP/2 itself too, keeps the connections that there are', async () => {
    const [tunnel, admin, port] = await freePorts(3)
    const optionsOf = (http2: boolean, cert = certificate()): Options => ({
      tunnel: { bind: `127.0.0.1:${tunnel}` },
      admin: { bind: `127.0.0.1:${admin}` },
      listen: [{ bind: `127.0.0.1:${port}`, http2, tls: { certs: [cert] } }],
    })
    edge = await TestEdge.start(optionsOf(true))
    const linker = await edge.linker()
    const client = connect(port)
    const before = client.ask()
    const request = await linker.next()
    for (const http2 of [true, false]) {
      const renewed = certificate()
      await edge.edge.reload({ options: testConfiguration(optionsOf(http2, renewed), null).options })
      expect(await shownAt(port)).toBe(new X509Certificate(readFileSync(renewed.cert)).fingerprint256)
    }
    request.respond('before')
    await before.until('before')
    const after = client.ask()
    ;(await linker.next()).respond('after')
    await after.until('after')
    expect(client.session.closed).toBe(false)
    expect(await agreed('h2', 'http/1.1')).toBe('http/1.1')
  })
})

/** Fingerprint of the certificate that a new client is shown. */
async function shownAt(port: number): Promise<string> {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ca: ca.ca,
    servername: 'shop',
    ALPNProtocols: ['http/1.1'],
  })
  await within(
    'a handshake',
    new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
  )
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}
