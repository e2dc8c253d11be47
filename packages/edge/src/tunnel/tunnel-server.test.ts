import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { TUNNEL_PATH } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import { ScriptedLinker } from '../linker.testkit.ts'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start({ hosts: ['shop', 'blog'] })
})
afterEach(async () => {
  await edge.close()
  vi.useRealTimers()
})

/** An upgrade by hand. @returns the answer's head and body */
function upgrade(path: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  const port = Number(new URL(edge.tunnelUrl).port)
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    })
    request.on('response', (response) => {
      let body = ''
      response.on('data', (data) => {
        body += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, body: '' })
    })
    request.on('error', reject)
    request.end()
  })
}

const bearer = async (token = edge.token()) => ({ Authorization: `Bearer ${await token}` })
const VERSION = { 'Sec-WebSocket-Protocol': 'brxy.v1' }

describe('the tunnel port', () => {
  it('upgrades a linker with a token', async () => {
    expect(await upgrade(TUNNEL_PATH, { ...VERSION, ...(await bearer()) })).toMatchObject({ status: 101 })
  })

  it('answers 404 for another path', async () => {
    const { status, body } = await upgrade('/other', { ...VERSION, ...(await bearer()) })
    expect([status, JSON.parse(body)]).toMatchObject([404, { code: 'edge/not-found' }])
  })

  it('answers 401 and says why when the token is missing, forged or expired', async () => {
    for (const [token, code] of [
      [undefined, 'token/missing'],
      ['noise', 'token/forged'],
      [await edge.token(['shop'], -5_000), 'token/expired'],
    ] as const) {
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
      const { status, body } = await upgrade(TUNNEL_PATH, { ...VERSION, ...headers })
      expect([status, JSON.parse(body)]).toMatchObject([401, { code, message: expect.any(String) }])
    }
    expect(edge.of('rejected').map(({ code }) => code)).toEqual([
      'token/missing',
      'token/forged',
      'token/expired',
    ])
  })

  it('answers 400 without the subprotocol, or with that of another version', async () => {
    for (const headers of [{}, { 'Sec-WebSocket-Protocol': 'brxy.v2' }]) {
      const { status, body } = await upgrade(TUNNEL_PATH, { ...headers, ...(await bearer()) })
      expect([status, JSON.parse(body)]).toMatchObject([400, { code: 'protocol/version' }])
    }
  })

  it('tells a browser what it is', async () => {
    const response = await fetch(edge.tunnelUrl.replace('ws:', 'http:'))
    expect([response.status, await response.text()]).toEqual([
      426,
      'This is the tunnel of a brxy edge. Linkers connect here; clients use the other port.\n',
    ])
  })

  it('does not wait for whom it refused to close', async () => {
    const socket = connect({
      port: Number(new URL(edge.tunnelUrl).port),
      host: '127.0.0.1',
      allowHalfOpen: true,
    })
    let closed = false
    socket.on('close', () => {
      closed = true
    })
    socket.on('error', () => {})
    socket.resume()
    socket.write(
      `GET ${TUNNEL_PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    await eventually('the end', () => socket.readableEnded)
    // Its side is still open: writing into a connection that is gone is answered with RST.
    await eventually('the RST', () => {
      if (!closed) socket.write('x')
      return closed
    })
  })
})

describe('a HELLO', () => {
  it('for a route that the token does not allow is rejected', async () => {
    const token = await edge.token(['blog'])
    await expect(edge.linker({ token })).rejects.toMatchObject({
      code: 'token/foreign-route',
      message: 'the token allows blog, not shop',
    })
    const none = await edge.token([])
    await expect(edge.linker({ token: none })).rejects.toMatchObject({
      code: 'token/foreign-route',
      message: 'the token allows no route, not shop',
    })
    expect(edge.of('rejected')[0]).toMatchObject({ code: 'token/foreign-route', route: 'shop' })
  })

  it('with a token for all routes is welcome, and its new token is for its own route only', async () => {
    const linker = await edge.linker({ token: await edge.token(['*']) })
    const renewed = linker.welcome?.token as string
    linker.close()
    const again = await edge.linker({ token: renewed })
    expect(again.welcome).not.toBe(null)
    await expect(edge.linker({ token: renewed, route: 'blog' })).rejects.toMatchObject({
      code: 'token/foreign-route',
    })
  })

  it('for a route that the edge does not serve is rejected', async () => {
    await expect(edge.linker({ route: 'other' })).rejects.toMatchObject({ code: 'edge/no-route' })
  })

  it.each(['Shop', 'shop:80', 'http://shop', 'a b'])(
    'for %j, which no request can reach, is rejected',
    async (route) => {
      await expect(edge.linker({ route })).rejects.toMatchObject({
        code: 'edge/no-route',
        message: expect.stringContaining(route),
      })
    },
  )

  it('of a linker process that has a live session is rejected, and the session goes on', async () => {
    const first = await edge.linker()
    await expect(edge.linker({ instance: first.instance })).rejects.toMatchObject({
      code: 'edge/already-connected',
    })
    edge.client().get()
    await first.next()
  })

  it('that replaces the lost session of the same process takes its place', async () => {
    const first = await edge.linker()
    const second = await edge.linker({
      instance: first.instance,
      replaces: first.welcome?.session as string,
    })
    await eventually('the farewell', () => first.end?.code === 'edge/replaced')
    expect(edge.edge.status().apps[0].instances).toHaveLength(1)
    edge.client().get()
    await second.next()
  })

  it('that replaces a session of another edge is rejected: its linker has come by a second way', async () => {
    const first = await edge.linker()
    const dial = edge.linker({ instance: first.instance, replaces: 'e-of-another-7' })
    await expect(dial).rejects.toMatchObject({
      code: 'edge/already-connected',
      edge: first.welcome?.edge,
    })
    edge.client().get()
    await first.next()
  })

  it('that replaces whatever there is takes its place: its linker knows of none', async () => {
    const first = await edge.linker()
    const replaces = first.welcome?.edge as string
    const second = await edge.linker({ instance: first.instance, replaces, received: null })
    await eventually('the farewell', () => first.end?.code === 'edge/replaced')
    edge.client().get()
    await second.next()
  })

  it('of a second linker of one launch is rejected', async () => {
    await edge.linker({ launch: 'launch-a' })
    await expect(edge.linker({ launch: 'launch-a' })).rejects.toMatchObject({
      code: 'edge/already-connected',
    })
    await edge.linker({ launch: 'launch-b' })
  })

  it('of many at once from one process leaves one session', async () => {
    const script = { token: await edge.token(), instance: 'f'.repeat(32) }
    const dials = await Promise.allSettled(
      Array.from({ length: 8 }, () => ScriptedLinker.dial(edge.tunnelUrl, script)),
    )
    const welcome = dials.flatMap((dial) => (dial.status === 'fulfilled' ? [dial.value] : []))
    expect([welcome.length, edge.edge.status().apps[0].instances.length]).toEqual([1, 1])
    for (const linker of welcome) linker.close()
  })

  it('of another version is rejected', async () => {
    const socket = new WebSocket(edge.tunnelUrl, 'brxy.v1', { headers: await bearer() })
    const received: Buffer[] = []
    socket.on('message', (data: Buffer) => received.push(data))
    socket.on('open', () => {
      const hello = Buffer.from(
        JSON.stringify({
          versions: [7, 9],
          features: [],
          route: 'shop',
          instance: 'x'.repeat(32),
          phase: 'ready',
          slots: 1,
          windowBytes: 65_536,
          labels: {},
        }),
      )
      const header = Buffer.from([0x01, 0, hello.length >> 8, hello.length & 255, 0, 0, 0, 0])
      socket.send(Buffer.concat([header, hello]))
    })
    await eventually('the close', () => socket.readyState === WebSocket.CLOSED)
    expect(Buffer.concat(received).toString()).toMatch(/"code":"protocol\/version"/)
  })

  it('that does not come within 5 s ends the connection', async () => {
    await edge.close()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    edge = await TestEdge.start()
    const socket = new WebSocket(edge.tunnelUrl, 'brxy.v1', { headers: await bearer() })
    const received: Buffer[] = []
    socket.on('message', (data: Buffer) => received.push(data))
    await eventually('the upgrade', () => socket.readyState === WebSocket.OPEN)
    await vi.advanceTimersByTimeAsync(4_900)
    await new Promise((resolve) => setImmediate(resolve))
    expect(received).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    await eventually('the close', () => socket.readyState === WebSocket.CLOSED)
    expect(Buffer.concat(received).toString()).toMatch(/"code":"protocol\/handshake-timeout"/)
    vi.useRealTimers()
  })
})
