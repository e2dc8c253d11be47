import { connect as tcpConnect } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { TestEdge, testConfiguration } from '../edge.testkit.ts'
import type { EdgeConfiguration } from '../edge.ts'
import { eventually, within } from '../eventually.testkit.ts'
import { freePorts } from '../port.testkit.ts'
import { TestCa, type TestCertificate } from './test-ca.testkit.ts'

type Options = EdgeConfiguration['options']

let ca: TestCa
let shop: TestCertificate
let blog: TestCertificate
beforeAll(() => {
  ca = new TestCa()
  shop = ca.sign(['shop', '*.shop.test'])
  blog = ca.sign(['blog'])
})
afterAll(() => ca.remove())

let edge: TestEdge
const sockets: { destroy(): void }[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await edge.close()
})

function absolute({ cert, key }: TestCertificate): TestCertificate {
  return { cert: `${ca.directory}/${cert}`, key: `${ca.directory}/${key}` }
}

function secure(...certs: readonly TestCertificate[]): Options {
  return { listen: [{ bind: '127.0.0.1:0', tls: { certs: certs.map(absolute) } }] }
}

async function start(options: Options): Promise<void> {
  edge = await TestEdge.start({ hosts: ['shop', 'blog'], ...options })
}

/** A client that speaks TLS; what it receives is in `text`. */
class SecureClient {
  readonly socket: TLSSocket
  text = ''
  error: NodeJS.ErrnoException | null = null
  isSecure = false
  isClosed = false
  /** A ticket to resume the session with. */
  session: Buffer | undefined

  constructor(options: ConnectionOptions = {}, port = edge.port) {
    const common = { host: '127.0.0.1', port, ca: ca.ca, servername: 'shop', ALPNProtocols: ['http/1.1'] }
    this.socket = connect({ ...common, ...options })
    sockets.push(this.socket)
    this.socket.on('secureConnect', () => {
      this.isSecure = true
    })
    this.socket.on('data', (data) => {
      this.text += data.toString('latin1')
    })
    this.socket.on('session', (session) => {
      this.session = session
    })
    this.socket.on('error', (error) => {
      this.error = error
    })
    this.socket.on('close', () => {
      this.isClosed = true
    })
  }

  async secured(): Promise<this> {
    await eventually('the handshake', () => this.isSecure || this.error !== null)
    if (this.error !== null) throw this.error
    return this
  }

  /** Names of the certificate that it was shown. */
  get names(): string | undefined {
    return this.socket.getPeerCertificate().subjectaltname
  }

  get(target = '/', host = 'shop', fields = ''): this {
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`)
    return this
  }

  async until(text: string): Promise<string> {
    await eventually(`receiving ${text}, after ${JSON.stringify(this.text)}`, () => this.text.includes(text))
    return this.text
  }

  async failure(): Promise<string> {
    await eventually('an error', () => this.error !== null || this.isClosed)
    return this.error?.code ?? 'closed'
  }
}

describe('a listener with TLS', () => {
  it('serves requests, and tells the application that they came by https', async () => {
    await start(secure(shop))
    const linker = await edge.linker()
    const client = (await new SecureClient().secured()).get('/a', 'shop', 'X-Forwarded-Proto: http\r\n')
    const request = await linker.next()
    expect(request.head).toMatch(/^GET \/a HTTP\/1.1\r\n/)
    expect(request.head.match(/X-Forwarded-Proto: .*/gi)).toEqual(['X-Forwarded-Proto: https'])
    request.respond('one')
    await client.until('one')
    expect(client.socket.alpnProtocol).toBe('http/1.1')
    client.get('/b')
    ;(await linker.next()).respond('two')
    await client.until('two')
  })

  it('carries bodies of many megabytes both ways', async () => {
    await start(secure(shop))
    const linker = await edge.linker()
    const body = Buffer.alloc(8 * 1024 * 1024, 'x')
    const client = await new SecureClient().secured()
    client.socket.write(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${body.length}\r\n\r\n`)
    client.socket.write(body)
    const request = await linker.next()
    await eventually('the body', () => request.bodyBytes === body.length)
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n', 1, body.length)
    request.write(body)
    request.finish()
    await eventually('the answer', () => client.text.length > body.length)
    expect(client.text.endsWith('x'.repeat(1000))).toBe(true)
  })

  it('shows the certificate of the name that the client asks for, and else the first', async () => {
    await start(secure(shop, blog))
    for (const [servername, names] of [
      ['shop', 'DNS:shop, DNS:*.shop.test'],
      ['blog', 'DNS:blog'],
      ['BLOG', 'DNS:blog'],
      ['a.shop.test', 'DNS:shop, DNS:*.shop.test'],
      ['other.test', 'DNS:shop, DNS:*.shop.test'],
      ['', 'DNS:shop, DNS:*.shop.test'],
    ]) {
      const client = await new SecureClient({ servername, checkServerIdentity: () => undefined }).secured()
      expect(client.names, servername).toBe(names)
    }
  })

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    await start(secure(shop))
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await new SecureClient({ minVersion: version, maxVersion: version }).secured()
      expect(client.socket.getProtocol()).toBe(version)
    }
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const old = new SecureClient({
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
      expect(await old.failure()).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    }
  })

  it('agrees on h2 or http/1.1 and on nothing that it does not speak', async () => {
    await start(secure(shop, blog))
    const both = await new SecureClient({ ALPNProtocols: ['h2', 'http/1.1'] }).secured()
    expect(both.socket.alpnProtocol).toBe('h2')
    const none = await new SecureClient({ ALPNProtocols: [] }).secured()
    expect(none.socket.alpnProtocol).toBe(false)
    expect(await new SecureClient({ ALPNProtocols: ['spdy/3', 'h3'] }).failure()).toBe(
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    )
  })

  it('cuts a handshake that takes too long, and counts it as a connection until then', async () => {
    await start({ ...secure(shop), timeouts: { tlsHandshakeMs: 200 }, limits: { connections: 1 } })
    const silent = tcpConnect(edge.port, '127.0.0.1')
    sockets.push(silent)
    await eventually('the connection', () => edge.edge.status().connections === 1)
    const refused = new SecureClient()
    expect(await refused.failure()).toMatch(/ECONNRESET|closed/)
    await within('the cut', new Promise((resolve) => silent.once('close', resolve)))
    await eventually('no connection', () => edge.edge.status().connections === 0)
    await new SecureClient().secured()
  })

  it('tells a client that speaks HTTP without TLS', async () => {
    await start(secure(shop))
    expect(await edge.client().get().ended()).toMatch(
      /^HTTP\/1.1 400 Bad Request\r\n[\s\S]*This port speaks TLS/,
    )
  })

  it('survives noise, and clients that go away during a handshake', async () => {
    await start(secure(shop))
    const noise = edge.client().send(Buffer.alloc(1000, 0xfe))
    await noise.ended()
    edge.client().finish()
    edge
      .client()
      .send(Buffer.from([0x16, 3, 1]))
      .reset()
    await new SecureClient().secured()
  })

  it('resets a response without a length that cannot be completed, so that it does not look complete', async () => {
    await start(secure(shop))
    const linker = await edge.linker()
    const client = await new SecureClient().secured()
    client.socket.write('GET / HTTP/1.0\r\nHost: shop\r\n\r\n')
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    request.write('half')
    await client.until('half')
    linker.cut()
    expect(await client.failure()).toBe('ECONNRESET')
  })

  it('carries an upgraded connection both ways, and the end of each direction by itself', async () => {
    await start(secure(shop))
    const linker = await edge.linker()
    const client = await new SecureClient({ allowHalfOpen: true } as ConnectionOptions).secured()
    client.get('/', 'shop', 'Connection: Upgrade\r\nUpgrade: echo\r\n')
    const request = await linker.next()
    request.sendHead('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1.1 101 /)
    client.socket.end('ping')
    await eventually('the end', () => request.ended && request.body.toString() === 'ping')
    request.write('pong')
    await client.until('pong')
    expect(client.isClosed).toBe(false)
    request.finish()
    await eventually('the close', () => client.isClosed)
    expect(client.error).toBe(null)
  })

  it('ends with a handshake under way', async () => {
    await start(secure(shop))
    const silent = edge.client()
    await eventually('the connection', () => edge.edge.status().connections === 1)
    await edge.edge.stop()
    await silent.ended()
  })
})

describe('a reload', () => {
  let ports: number[]

  function optionsOf(listen: Options['listen'], more: Options = {}): Options {
    return {
      tunnel: { bind: `127.0.0.1:${ports[0]}` },
      admin: { bind: `127.0.0.1:${ports[1]}` },
      listen,
      ...more,
    }
  }

  async function startAt(certificate: TestCertificate): Promise<void> {
    ports = await freePorts(3)
    await start(optionsOf([{ bind: `127.0.0.1:${ports[2]}`, tls: { certs: [absolute(certificate)] } }]))
  }

  function reload(listen: Options['listen'], more: Options = {}): Promise<void> {
    const { options } = testConfiguration({ hosts: ['shop', 'blog'], ...optionsOf(listen, more) }, null)
    return edge.edge.reload({ options })
  }

  it('shows the new certificate to new clients, and drops none that is connected', async () => {
    await startAt(shop)
    const bind = `127.0.0.1:${ports[2]}`
    const linker = await edge.linker()
    const before = await new SecureClient().secured()
    const session = await eventually('a session ticket', () => before.session)
    expect((await new SecureClient({ session }).secured()).socket.isSessionReused()).toBe(true)
    const renewed = ca.sign(['shop', 'renewed.test'])
    await reload([{ bind, tls: { certs: [absolute(renewed)] } }])
    const after = await new SecureClient({ session }).secured()
    expect(after.names).toBe('DNS:shop, DNS:renewed.test')
    expect(after.socket.isSessionReused()).toBe(false)
    for (const client of [before, after]) {
      client.get()
      ;(await linker.next()).respond('hello')
      expect(await client.until('hello')).not.toMatch(/Connection: close/i)
    }
  })

  it('lets a handshake that is under way finish', async () => {
    await startAt(shop)
    const bind = `127.0.0.1:${ports[2]}`
    const tcp = tcpConnect(ports[2], '127.0.0.1')
    await eventually('the connection', () => edge.edge.status().connections === 1)
    await reload([{ bind, tls: { certs: [absolute(blog)] } }])
    const client = await new SecureClient({ socket: tcp }).secured()
    expect(client.names).toBe('DNS:shop, DNS:*.shop.test')
  })

  it('changes nothing when a file is wrong', async () => {
    await startAt(shop)
    const bind = `127.0.0.1:${ports[2]}`
    const wrong = reload([{ bind, tls: { certs: [{ ...absolute(blog), key: absolute(shop).key }] } }])
    await expect(wrong).rejects.toThrow(
      /^listen\[0\]\.tls\.certs\[0\]\.key: .* is not the key of the certificate in /,
    )
    expect((await new SecureClient().secured()).names).toBe('DNS:shop, DNS:*.shop.test')
  })

  it('brings TLS to a port, makes it a redirect, and takes TLS away', async () => {
    await startAt(shop)
    const bind = `127.0.0.1:${ports[2]}`
    await reload([{ bind }])
    expect(await edge.client().get('/', '', 'other').until('}')).toMatch(/^HTTP\/1.1 404/)
    await reload([{ bind, redirect: 'https' }, ...(secure(shop).listen ?? [])])
    expect(await edge.client().get().ended()).toMatch(/^HTTP\/1.1 308/)
    await reload([{ bind, tls: { certs: [absolute(shop)] } }])
    await new SecureClient().secured()
  })

  it('tells a client whose listener went away during its handshake with its first response', async () => {
    await startAt(shop)
    const linker = await edge.linker()
    const tcp = tcpConnect(ports[2], '127.0.0.1')
    await eventually('the connection', () => edge.edge.status().connections === 1)
    await reload([{ bind: '127.0.0.1:0' }])
    const client = (await new SecureClient({ socket: tcp }).secured()).get()
    ;(await linker.next()).respond('last')
    expect(await client.until('last')).toMatch(/\r\nConnection: close\r\n/i)
  })

  it('puts a new handshake timeout in force', async () => {
    await startAt(shop)
    const bind = `127.0.0.1:${ports[2]}`
    await reload([{ bind, tls: { certs: [absolute(shop)] } }], { timeouts: { tlsHandshakeMs: 50 } })
    await edge.client(ports[2]).ended()
  })
})
