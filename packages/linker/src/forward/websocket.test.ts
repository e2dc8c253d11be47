import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { BodyKind } from '@brxy/protocol'
import { RESET } from '@brxy/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../app/processes.testkit.ts'
import { LinkerUnderTest } from '../linked.testkit.ts'
import { TestEdge, type TestSession, TestStream } from '../tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** One upgrade, between a client's socket and a session. */
class DoorStream extends TestStream {
  readonly #client: Socket

  constructor(client: Socket, now: () => number) {
    super(now)
    this.#client = client
  }

  override onHead(
    ...[interim, body, length, buffer, from, to]: [boolean, BodyKind, number, Buffer, number, number]
  ) {
    super.onHead(interim, body, length, buffer, from, to)
    const upgrade = this.status === 101 ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : ''
    this.#client.write(`${this.head.slice(0, -2)}${upgrade}\r\n`, 'latin1')
  }

  override onData(buffer: Buffer, from: number, to: number): void {
    super.onData(buffer, from, to)
    this.#client.write(Buffer.from(buffer.subarray(from, to)))
  }

  override onEnd(): void {
    super.onEnd()
    this.#client.end()
  }

  override onReset(code: number): void {
    super.onReset(code)
    this.#client.destroy()
  }
}

/** Where clients come in: hands each connection's first request, an upgrade, to the session. */
async function door(session: TestSession): Promise<{ url: string; streams: DoorStream[] }> {
  const streams: DoorStream[] = []
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => {})
    client.once('data', (data) => {
      const [line, ...fields] = data.toString('latin1').split('\r\n').slice(0, -2)
      const kept = fields.filter((field) => !/^(host|connection):/i.test(field))
      const handler = new DoorStream(client, session.now)
      streams.push(handler)
      session.upgrade({
        target: line?.split(' ')[1] as string,
        fields: kept.map((field) => `${field}\r\n`).join(''),
        handler,
      })
      client.on('data', (bytes) => handler.stream.write(bytes, 0, bytes.length))
      client.on('end', () => handler.stream.end())
      client.on('close', () => handler.stream.reset(RESET.CANCELLED))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, streams }
}

/** A ws server behind a linker with two slots, and a door for clients. */
async function application() {
  const app = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
  await once(app, 'listening')
  const edge = await TestEdge.start()
  const { port } = app.address() as AddressInfo
  const link = new LinkerUnderTest([edge.address], port, { options: { concurrency: 2 } })
  const session = await edge.granted(2)
  closing.push(async () => {
    for (const client of app.clients) client.terminate()
    await link.close()
    await edge.close()
    await new Promise((resolve) => app.close(resolve))
    expect([...edge.bugs, ...link.of('bug'), ...link.of('bad-response')]).toEqual([])
  })
  return { app, session, ...(await door(session)) }
}

test('a WebSocket carries messages of all sizes both ways, compressed, and its close handshake', async () => {
  const { app, session, url, streams } = await application()
  const paths: (string | undefined)[] = []
  app.on('connection', (socket, request) => {
    paths.push(request.url)
    // Before the client has said anything: right behind the 101.
    socket.send('welcome')
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const client = new WebSocket(`${url}/chat?room=1`)
  const received: string[] = []
  client.on('message', (data) => void received.push(data.toString()))
  await once(client, 'open')
  expect(client.extensions).toContain('permessage-deflate')
  const sent = [1, 125, 126, 65_536, 3_000_000].map((length) => `${length}:`.padEnd(length, 'é'))
  for (const text of sent) client.send(text)
  await until('all of them', () => received.length === 1 + sent.length)
  expect(received[0]).toBe('welcome')
  expect(received.slice(1).every((text, at) => text === sent[at])).toBe(true)
  expect([paths, streams[0]?.status]).toEqual([['/chat?room=1'], 101])

  // One slot is the socket's; the other one is free for another.
  expect(session.session.unspent).toBe(1)
  client.close(4001, 'enough')
  const [code, reason] = await once(client, 'close')
  expect([code, String(reason)]).toEqual([4001, 'enough'])
  await until('both slots are lent again', () => session.session.unspent === 2)
})

test('a close handshake that the application begins frees the slot as well', async () => {
  const { app, session, url } = await application()
  app.on('connection', (socket) => socket.close(1012, 'restarting'))
  const client = new WebSocket(url)
  const [code, reason] = await once(client, 'close')
  expect([code, String(reason)]).toEqual([1012, 'restarting'])
  await until('both slots are lent again', () => session.session.unspent === 2)
})

test('a client that vanishes is a lost connection to the application', async () => {
  const { app, session, url } = await application()
  const closed = new Promise((resolve) => {
    app.on('connection', (socket) => {
      socket.on('error', () => {})
      socket.on('close', resolve)
    })
  })
  const client = new WebSocket(url)
  await once(client, 'open')
  client.terminate()
  expect(await closed).toBe(1006)
  await until('both slots are lent again', () => session.session.unspent === 2)
})

test('an application that declines is heard', async () => {
  const { app, session, url, streams } = await application()
  app.options.verifyClient = (_info, done) => done(false, 403, 'members only')
  const client = new WebSocket(url)
  const [error] = await once(client, 'error')
  expect(error.message).toContain('403')
  expect(streams[0]?.text).toBe('members only')
  await until('both slots are lent again', () => session.session.unspent === 2)
})
