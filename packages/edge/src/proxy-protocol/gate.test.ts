import { FEATURE_ADDRESSES } from '@brxy/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge, type TestOptions, testConfiguration } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { LinkerScript, ScriptedRequest } from '../linker.testkit.ts'
import { freePorts } from '../port.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'
import { edgeOptions, loadSettings } from '../settings.ts'
import { TestCa, type TestCertificate } from '../tls/test-ca.testkit.ts'

const V1 = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n')
const V1_TRUSTED = Buffer.from('PROXY TCP6 ::ffff:0a00:0005 ::1 56324 443\r\n')
const V1_UNKNOWN = Buffer.from('PROXY UNKNOWN\r\n')
const V2 = Buffer.from(
  '0d0a0d0a000d0a515549540a 21 21 0028 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb 04 0001 00'.replaceAll(
    ' ',
    '',
  ),
  'hex',
)
const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a 20 00 0000'.replaceAll(' ', ''), 'hex')
const ENDS = { source: '192.0.2.1', sourcePort: 56_324, destination: '198.51.100.7', destinationPort: 443 }

const TRUSTING = { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] }
const CLAIM = 'X-Forwarded-For: 6.6.6.6\r\n'

let edge: TestEdge
afterEach(() => edge.close())

async function start(options: TestOptions = {}): Promise<void> {
  edge = await TestEdge.start({
    ...TRUSTING,
    listen: [{ bind: '127.0.0.1:0', proxyProtocol: true }],
    ...options,
  })
}

function tcpPort(app = 'db'): number {
  return Number(edge.of('listening')[0].tcp[app].replace(/^.*:/, ''))
}

const get = (fields = '') => Buffer.from(`GET / HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`)

const forwardedFor = ({ head }: ScriptedRequest) => /^x-forwarded-for: (.*)\r$/im.exec(head)?.[1]

/** Sends this, and answers what comes of it. @returns the request as the linker got it */
async function served(
  client: RawClient,
  bytes: Buffer,
  script: Partial<LinkerScript> = {},
): Promise<ScriptedRequest> {
  const linker = await edge.linker(script)
  client.send(bytes)
  const request = await linker.next()
  request.respond('ok')
  await client.until('\r\n\r\nok')
  await linker.leave()
  return request
}

const refused = () => eventually('the event', () => edge.of('connection-refused')[0])

describe('a client that a trusted proxy names', () => {
  it.each([
    ['version 1', V1, '192.0.2.1'],
    ['version 2', V2, '2001:db8::1'],
  ])('is the client of all requests on the connection (%s)', async (_version, header, address) => {
    await start()
    const client = edge.client()
    const request = await served(client, Buffer.concat([header, get(CLAIM)]))
    expect([forwardedFor(request), request.head.startsWith('GET / HTTP/1.1\r\n')]).toEqual([address, true])
    expect(forwardedFor(await served(client, get(CLAIM)))).toBe(address)
  })

  it('may be named a byte at a time', async () => {
    await start()
    const client = edge.client()
    for (const byte of V2) {
      client.send(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(forwardedFor(await served(client, get()))).toBe('2001:db8::1')
  })

  it('is believed about others only if it is a trusted proxy itself, for who passes bytes on adds no field', async () => {
    await start()
    expect(forwardedFor(await served(edge.client(), Buffer.concat([V1, get(CLAIM)])))).toBe('192.0.2.1')
    const trusted = await served(edge.client(), Buffer.concat([V1_TRUSTED, get(CLAIM)]))
    expect(forwardedFor(trusted)).toBe('6.6.6.6, 10.0.0.5')
  })

  it('is told to a linker that asks for addresses, with both ports', async () => {
    await start()
    const script = { features: [FEATURE_ADDRESSES] }
    const request = await served(edge.client(), Buffer.concat([V1, get()]), script)
    expect(request.addresses).toEqual(ENDS)
  })

  it('is redirected where there is nothing else to be had', async () => {
    const ca = new TestCa()
    try {
      const certs = [absolute(ca, ca.sign(['shop']))]
      const listen = [
        { bind: '127.0.0.1:0', redirect: 'https' as const, proxyProtocol: true },
        { bind: '127.0.0.1:0', tls: { certs } },
      ]
      await start({ listen })
      const client = edge.client().send(Buffer.concat([V1, get()]))
      expect(await client.until('\r\n\r\n')).toContain('308 Permanent Redirect')
    } finally {
      ca.remove()
    }
  })
})

describe('a connection of a trusted proxy', () => {
  it('that is its own (LOCAL) is served as that', async () => {
    await start()
    const request = await served(edge.client(), Buffer.concat([V2_LOCAL, get(CLAIM)]))
    expect(forwardedFor(request)).toBe('6.6.6.6, 127.0.0.1')
  })

  it('for somebody whom it does not name has its address, and no claim is believed', async () => {
    await start()
    const script = { features: [FEATURE_ADDRESSES] }
    const request = await served(edge.client(), Buffer.concat([V1_UNKNOWN, get(CLAIM)]), script)
    expect([forwardedFor(request), request.addresses]).toEqual(['127.0.0.1', null])
  })

  it.each([
    ['without a header', get()],
    [
      'with a header that is malformed',
      Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 1\r\nGET / HTTP/1.1\r\n'),
    ],
    ['with a second header', Buffer.concat([V1, V1, get()])],
  ])('%s is no request', async (_what, bytes) => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().send(bytes)
    const answer = await client.ended()
    // The second one is malformed HTTP, and is told so.
    expect(answer === '' || answer.startsWith('HTTP/1.1 400 ')).toBe(true)
    if (answer === '')
      expect(await refused()).toMatchObject({ code: 'edge/bad-proxy-header', peer: '127.0.0.1', leftOut: 0 })
    expect(linker.requests).toEqual([])
  })

  it('that sends no header is closed in time', async () => {
    await start({ timeouts: { headMs: 40 } })
    const client = edge.client().send(V1.subarray(0, 20))
    expect(await client.ended()).toBe('')
    expect(await refused()).toMatchObject({
      code: 'edge/no-proxy-header',
      listener: `127.0.0.1:${edge.port}`,
      message: 'no whole PROXY header came within 40 ms',
    })
    await poll(() => edge.edge.status().connections).toBe(0)
  })

  it('that comes and goes, as probes do, is not worth a word; one that breaks off is', async () => {
    await start()
    const probe = edge.client().finish()
    expect(await probe.ended()).toBe('')
    const broken = edge.client().send(V2.subarray(0, 30)).finish()
    expect(await broken.ended()).toBe('')
    await refused()
    expect(edge.of('connection-refused').map(({ message }) => message)).toEqual([
      'the connection ended within its PROXY header',
    ])
  })
})

describe('a peer that is no trusted proxy', () => {
  it('is closed, whatever it sends, and nothing of it is believed or read', async () => {
    await start({ trustedProxies: ['10.0.0.0/8'] })
    const linker = await edge.linker()
    for (const bytes of [Buffer.concat([V1, get()]), get()]) {
      const client = edge.client().send(bytes)
      expect(await client.ended()).toBe('')
    }
    expect(linker.requests).toEqual([])
    expect(await refused()).toMatchObject({ code: 'edge/untrusted-proxy', peer: '127.0.0.1' })
  })

  it('cannot fill the log', async () => {
    await start({ trustedProxies: ['10.0.0.0/8'] })
    for (let i = 0; i < 20; i++) await edge.client().ended()
    expect(edge.of('connection-refused')).toHaveLength(1)
  })
})

describe('a listener without proxyProtocol', () => {
  it('takes a header for what it is: no HTTP', async () => {
    await start({ listen: [{ bind: '127.0.0.1:0' }] })
    const client = edge.client().send(Buffer.concat([V1, get()]))
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('has the addresses of the connection itself for a linker that asks', async () => {
    await start({ listen: [{ bind: '127.0.0.1:0' }] })
    const client = edge.client()
    const request = await served(client, get(), { features: [FEATURE_ADDRESSES] })
    expect(request.addresses).toEqual({
      source: '127.0.0.1',
      sourcePort: client.socket.localPort,
      destination: '127.0.0.1',
      destinationPort: edge.port,
    })
  })

  it('begins to ask for it with the next connection after a reload, and ends', async () => {
    const [clients, tunnel, admin] = await freePorts(3)
    const options = (proxyProtocol: boolean) => ({
      ...TRUSTING,
      listen: [{ bind: `127.0.0.1:${clients}`, proxyProtocol }],
      tunnel: { bind: `127.0.0.1:${tunnel}` },
      admin: { bind: `127.0.0.1:${admin}` },
    })
    await start(options(false))
    const before = edge.client()
    expect(forwardedFor(await served(before, get()))).toBe('127.0.0.1')
    await edge.edge.reload({ options: testConfiguration(options(true), null).options })
    expect(forwardedFor(await served(edge.client(), Buffer.concat([V1, get()])))).toBe('192.0.2.1')
    expect(forwardedFor(await served(before, get()))).toBe('127.0.0.1')
  })
})

describe('a TCP app with proxyProtocol', () => {
  const app = { tcp: { bind: '127.0.0.1:0', proxyProtocol: true } }

  it('gets what is behind the header, and its linker whose it is', async () => {
    await start({ apps: { db: app } })
    const linker = await edge.linker({ route: 'db', features: [FEATURE_ADDRESSES] })
    const client = edge.client(tcpPort()).send(Buffer.concat([V1, Buffer.from('hello')]))
    const request = await linker.next()
    await poll(() => request.body.toString()).toBe('hello')
    expect([request.head, request.addresses]).toEqual(['', ENDS])
    request.write('220\r\n')
    expect(await client.until('\r\n')).toBe('220\r\n')
    client.send(' again').finish()
    await poll(() => [request.body.toString(), request.ended]).toEqual(['hello again', true])
  })

  it('gets all of it, and the end, of a client that was done before an instance was there', async () => {
    await start({ apps: { db: app } })
    edge
      .client(tcpPort())
      .send(Buffer.concat([V2, Buffer.from('all')]))
      .finish()
    await edge.untilHeld(1, 'db')
    const linker = await edge.linker({ route: 'db' })
    const request = await linker.next()
    await poll(() => [request.body.toString(), request.ended]).toEqual(['all', true])
  })

  it('holds nobody whose header has not come, counts him, and lets him go when the edge stops', async () => {
    await start({ apps: { db: app }, limits: { connections: 1 } })
    const client = edge.client(tcpPort()).send(V1.subarray(0, 10))
    await poll(() => edge.edge.status().connections).toBe(1)
    expect(edge.held('db')).toBe(0)
    expect(await edge.client(tcpPort()).ended()).toBe('')
    await edge.edge.stop()
    expect(await client.ended()).toBe('')
  })

  it('is not woken by a probe of the proxy, which finds the port open', async () => {
    const platform = new FakePlatform()
    edge = await TestEdge.start(
      { ...TRUSTING, apps: { db: { ...app, scaler: { name: 'fake', options: {} } } } },
      platform.choice,
    )
    const probe = edge.client(tcpPort()).send(V2_LOCAL)
    await probe.ended()
    expect(await eventually('the event', () => edge.of('request')[0])).toMatchObject({
      app: 'db',
      error: null,
    })
    expect([probe.text, platform.started]).toEqual(['', []])
    // As a client would have.
    edge.client(tcpPort()).send(V1)
    await poll(() => platform.started.length).toBe(1)
  })

  it('has a probe that finds it awake as passive', async () => {
    await start({ apps: { db: app } })
    const linker = await edge.linker({ route: 'db' })
    const probe = edge.client(tcpPort()).send(V2_LOCAL)
    const request = await linker.next()
    expect(request.isPassive).toBe(true)
    probe.finish()
    await poll(() => request.ended).toBe(true)
  })

  it('turns everybody else away', async () => {
    await start({ apps: { db: app }, trustedProxies: ['10.0.0.0/8'] })
    expect(await edge.client(tcpPort()).send(V1).ended()).toBe('')
    expect(await refused()).toMatchObject({
      code: 'edge/untrusted-proxy',
      listener: `127.0.0.1:${tcpPort()}`,
    })
  })
})

describe('proxyProtocol without trustedProxies', () => {
  it('is a mistake, wherever it is', async () => {
    await start()
    const errors: string[] = []
    const options = {
      listen: [{ bind: '0' }, { bind: '1', proxyProtocol: true }],
      apps: { db: { tcp: { bind: '2', proxyProtocol: true } }, web: { tcp: { bind: '3' } } },
    }
    await loadSettings(edgeOptions(options), '.', ({ path, detail }) => errors.push(`${path}: ${detail}`))
    const detail = 'lets nobody in: name the proxies that may send the header in trustedProxies'
    expect(errors).toEqual([`listen[1].proxyProtocol: ${detail}`, `apps.db.tcp.proxyProtocol: ${detail}`])
    errors.length = 0
    await loadSettings(edgeOptions({ ...options, ...TRUSTING }), '.', ({ path }) => errors.push(path))
    expect(errors).toEqual([])
  })
})

function absolute(ca: TestCa, { cert, key }: TestCertificate): TestCertificate {
  return { cert: `${ca.directory}/${cert}`, key: `${ca.directory}/${key}` }
}
