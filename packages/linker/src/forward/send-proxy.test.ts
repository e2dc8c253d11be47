import { FEATURE_ADDRESSES } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, linked, serving } from '../linked.testkit.ts'
import { RawApp, type RawConnection } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 20_000 }) // a busy machine

const CLIENT = { source: '192.0.2.1', sourcePort: 56_324, destination: '198.51.100.7', destinationPort: 443 }
const OTHER = { ...CLIENT, source: '192.0.2.2' }
const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n'
const V2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const use = closedAfterEach()

/** Reads a header line and a head, answers, and would take another request. */
async function answering(connection: RawConnection): Promise<void> {
  while ((await connection.head()) !== null) connection.write(OK)
}

describe('with sendProxy the application is told whose connection it is', () => {
  test('before the first request, on a connection that serves no other', async () => {
    const { session, app, idle } = await use(serving(answering, { sendProxy: 'v1' }))
    for (const addresses of [CLIENT, CLIENT, OTHER]) {
      expect((await session.get('/a', { addresses })).text).toBe('ok')
      await idle()
    }
    expect(app.connections.map(({ received }) => received.split('\r\n')[0])).toEqual(
      [CLIENT, CLIENT, OTHER].map(({ source }) => `PROXY TCP4 ${source} 198.51.100.7 56324 443`),
    )
    const [first] = app.connections
    expect(first?.received).toBe(`${LINE}GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n`)
    await first?.closed()
  })

  test('in version 2 likewise', async () => {
    const { session, app } = await use(
      serving(
        async (connection) => {
          await connection.bytes(V2.length)
          await answering(connection)
        },
        { sendProxy: 'v2' },
      ),
    )
    expect((await session.get('/', { addresses: CLIENT })).text).toBe('ok')
    expect(app.connections[0]?.received.startsWith(`${V2}GET / HTTP/1.1\r\n`)).toBe(true)
  })

  test('before an upgrade', async () => {
    const { session, app } = await use(
      serving(
        async (connection) => {
          await connection.head()
          connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
          await connection.bytes(5)
          connection.end('bye')
        },
        { sendProxy: 'v1' },
      ),
    )
    const stream = session.upgrade({ addresses: CLIENT })
    await until('the switch', () => stream.heads.length > 0)
    stream.write('hello')
    await stream.receives('bye')
    stream.stream.end()
    await stream.over
    const [connection] = app.connections
    expect(connection?.received.startsWith(`${LINE}GET / HTTP/1.1\r\n`)).toBe(true)
    expect(connection?.received.endsWith('\r\n\r\nhello')).toBe(true)
  })

  test('before the first byte of a TCP stream, even if the client sends none', async () => {
    const app = await RawApp.start(async (connection) => {
      await connection.bytes(LINE.length)
      connection.write('220\r\n')
    })
    const { session } = await use(linked(app, { sendProxy: 'v1', tcp: true }))
    const stream = session.openTcp(CLIENT)
    await stream.receives('220\r\n')
    stream.write('hello')
    await until('all of it', () => app.connections[0]?.received === `${LINE}hello`)
  })

  test('as far as the edge knows it', async () => {
    const { session, app } = await use(serving(answering, { sendProxy: 'v1' }))
    await session.get()
    expect(app.connections[0]?.received.split('\r\n')[0]).toBe('PROXY UNKNOWN')
  })

  test('by an edge that knows how; of another one the operator hears', async () => {
    const one = await use(serving(answering, { sendProxy: 'v1' }, { welcome: { features: [] } }))
    expect(one.session.hello?.features).toEqual([FEATURE_ADDRESSES])
    expect(one.link.of('notice').map(({ message }) => message)).toEqual([
      `${one.edge.address} does not say whose connections come: the application is told of unknown clients. Upgrade the edge`,
    ])
  })
})

test('without sendProxy nothing is asked of the edge, and connections are used again', async () => {
  const { session, app, idle, link } = await use(serving(answering))
  for (let i = 0; i < 2; i++) {
    await session.get()
    await idle()
  }
  expect([session.hello?.features, app.connections.length, link.of('notice')]).toEqual([[], 1, []])
  expect(app.connections[0]?.received.startsWith('GET / ')).toBe(true)
})
