import type { IncomingMessage } from 'node:http'
import { connect } from 'node:tls'
import { SUBPROTOCOL } from '@brxy/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { TestEdge, testConfiguration } from '../edge.testkit.ts'
import type { EdgeConfiguration } from '../edge.ts'
import { eventually, within } from '../eventually.testkit.ts'
import { freePorts } from '../port.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'
import { TestCa, type TestCertificate } from './test-ca.testkit.ts'

type Options = EdgeConfiguration['options']

let ca: TestCa
let otherCa: TestCa
let own: TestCertificate
beforeAll(() => {
  ca = new TestCa()
  otherCa = new TestCa()
  own = ca.sign(['localhost', '127.0.0.1'])
})
afterAll(() => {
  ca.remove()
  otherCa.remove()
})

let edge: TestEdge
const closers: (() => void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) close()
  await edge.close()
})

function tunnelTls(clientCa?: TestCa, certificate = own) {
  return {
    cert: `${ca.directory}/${certificate.cert}`,
    key: `${ca.directory}/${certificate.key}`,
    ...(clientCa === undefined ? {} : { clientCa: `${clientCa.directory}/${clientCa.caFile}` }),
  }
}

async function start(clientCa?: TestCa): Promise<void> {
  edge = await TestEdge.start({ tunnel: { bind: '127.0.0.1:0', tls: tunnelTls(clientCa) } })
}

interface Dialled {
  /** 101, or that of an answer instead; 0 if there was none. */
  readonly status: number
  readonly body: string
  readonly error: string
  readonly socket: WebSocket
}

/** Dials as a linker does. @param from whose certificate it presents */
async function dial(from?: TestCa, scheme = 'wss'): Promise<Dialled> {
  const files = from?.sign([])
  const identity =
    from === undefined || files === undefined
      ? {}
      : { cert: from.read(files.cert), key: from.read(files.key) }
  const socket = new WebSocket(edge.tunnelUrl.replace(/^ws/, scheme), SUBPROTOCOL, {
    headers: { authorization: `Bearer ${await edge.token()}` },
    ca: ca.ca,
    ...identity,
  })
  closers.push(() => socket.terminate())
  return within(
    'an answer',
    new Promise<Dialled>((resolve) => {
      const settle = (status: number, body = '', error = '') => resolve({ status, body, error, socket })
      socket.on('open', () => settle(101))
      socket.on('error', (error: NodeJS.ErrnoException) => settle(0, '', error.code ?? error.message))
      socket.on('unexpected-response', (_request, response: IncomingMessage) => {
        let body = ''
        response.on('data', (data) => {
          body += data
        })
        response.on('end', () => settle(response.statusCode ?? 0, body))
      })
    }),
  )
}

describe('a tunnel with TLS', () => {
  it('takes a linker by wss, and tells launches to dial that', async () => {
    const platform = new FakePlatform()
    edge = await TestEdge.start(
      {
        tunnel: { bind: '127.0.0.1:0', tls: tunnelTls() },
        apps: { shop: { scaler: { name: 'fake', options: {} } } },
      },
      null,
      { adapters: { fake: platform.choice } },
    )
    expect((await dial()).status).toBe(101)
    edge.client().get()
    const start = await eventually('a launch', () => platform.started[0])
    expect(start.launch.env.BRXY_EDGE).toBe(edge.tunnelUrl.replace('ws:', 'wss:'))
  })

  it('tells a linker that dials ws what to dial', async () => {
    await start()
    const { status, body } = await dial(undefined, 'ws')
    expect([status, JSON.parse(body)]).toEqual([
      400,
      { code: 'edge/tls-required', message: 'this tunnel speaks TLS: the edge address begins with wss://' },
    ])
  })

  it('takes no linker without a certificate of its client CA, and says why to both', async () => {
    await start(ca)
    expect((await dial(ca)).status).toBe(101)
    const none = await dial()
    expect([none.status, JSON.parse(none.body)]).toMatchObject([
      403,
      {
        code: 'edge/client-certificate',
        message: expect.stringMatching(/presented no client certificate; .*BRXY_EDGE_CERT/),
      },
    ])
    const wrong = await dial(otherCa)
    expect([wrong.status, JSON.parse(wrong.body)]).toMatchObject([
      403,
      {
        message: expect.stringContaining(
          'a client certificate that is refused (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
        ),
      },
    ])
    expect(edge.of('rejected').map(({ code }) => code)).toEqual([
      'edge/client-certificate',
      'edge/client-certificate',
    ])
  })

  it('wants a token beside the certificate', async () => {
    await start(ca)
    const files = ca.sign([])
    const socket = new WebSocket(edge.tunnelUrl.replace(/^ws/, 'wss'), SUBPROTOCOL, {
      ca: ca.ca,
      cert: ca.read(files.cert),
      key: ca.read(files.key),
    })
    closers.push(() => socket.terminate())
    socket.on('error', () => {})
    const status = await within(
      'an answer',
      new Promise((resolve) =>
        socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode)),
      ),
    )
    expect(status).toBe(401)
  })

  it('has its new certificate and client CA after a reload, and keeps its sessions', async () => {
    const [port, admin] = await freePorts(2)
    const options = (tls: object): Options => ({
      tunnel: { bind: `127.0.0.1:${port}`, tls: tls as never },
      admin: { bind: `127.0.0.1:${admin}` },
    })
    edge = await TestEdge.start(options(tunnelTls()))
    const before = await dial()
    const reload = (tls: object) =>
      edge.edge.reload({ options: testConfiguration(options(tls), null).options })
    await reload(tunnelTls(otherCa))
    expect((await dial(ca)).status).toBe(403)
    expect((await dial(otherCa)).status).toBe(101)
    await reload(tunnelTls(undefined, ca.sign(['elsewhere.test'])))
    expect((await dial()).error).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(before.socket.readyState).toBe(WebSocket.OPEN)
  })

  it('gives who was refused a moment for the answer, whatever it sends meanwhile', async () => {
    await start(ca)
    const { port } = new URL(edge.tunnelUrl)
    const socket = connect({ host: '127.0.0.1', port: Number(port), ca: ca.ca })
    closers.push(() => socket.destroy())
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (data) => {
      text += data
    })
    socket.write('x'.repeat(100_000))
    await within('the cut', new Promise((resolve) => socket.once('close', resolve)))
    expect(text).toMatch(/^HTTP\/1.1 403 Forbidden\r\n[\s\S]*"edge\/client-certificate"/)
  })

  it('cuts whoever stays silent', async () => {
    edge = await TestEdge.start({
      tunnel: { bind: '127.0.0.1:0', tls: tunnelTls(ca) },
      timeouts: { tlsHandshakeMs: 100 },
    })
    const silent = edge.client(Number(new URL(edge.tunnelUrl).port))
    await silent.ended()
  })

  it('ends with a handshake under way', async () => {
    await start()
    const silent = edge.client(Number(new URL(edge.tunnelUrl).port))
    await eventually('the connection', () => silent.socket.readyState === 'open')
    await edge.edge.stop()
    await silent.ended()
  })
})
