import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { within } from '../app/processes.testkit.ts'
import { type HandshakeOptions, HandshakeRequest, type HandshakeResponse } from './handshake-request.ts'

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'

let server: Server
let served: Socket[]
let onRequest: (socket: Socket, request: string) => void

beforeEach(async () => {
  served = []
  server = createServer((socket) => {
    served.push(socket)
    socket.on('error', () => {})
    socket.once('data', (request) => onRequest(socket, request.toString('latin1')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  for (const socket of served) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

function begin(options: Partial<HandshakeOptions> = {}): HandshakeRequest {
  const { port } = server.address() as AddressInfo
  return new HandshakeRequest({
    host: '127.0.0.1',
    port,
    defaultPort: 80,
    path: '/_brxy/v1/tunnel',
    headers: { 'Sec-WebSocket-Version': 13, Authorization: 'Bearer secret' },
    createConnection: () => connect({ host: '127.0.0.1', port }),
    ...options,
  })
}

type Outcome =
  | { readonly kind: 'upgrade'; readonly response: HandshakeResponse; readonly behind: string }
  | { readonly kind: 'response'; readonly status: number; readonly body: string }
  | { readonly kind: 'error'; readonly message: string }

/** What comes of it; a second outcome fails the test. */
function outcomeOf(request: HandshakeRequest): Promise<Outcome> {
  let count = 0
  const outcome = new Promise<Outcome>((resolve, reject) => {
    const settle = (found: Outcome) => {
      if (++count > 1) reject(new Error(`a second outcome: ${found.kind}`))
      resolve(found)
    }
    request.on('upgrade', (response, _socket, head) =>
      settle({ kind: 'upgrade', response, behind: head.toString('latin1') }),
    )
    request.on('error', ({ message }) => settle({ kind: 'error', message }))
    request.on('response', (response: HandshakeResponse) => {
      let body = ''
      const { statusCode: status } = response
      response.setEncoding('utf8')
      response.on('data', (text) => {
        body += text
      })
      response.on('end', () => settle({ kind: 'response', status, body }))
      response.on('error', ({ message }) => settle({ kind: 'error', message }))
    })
    request.end()
  })
  return within(5_000, 'an outcome', outcome)
}

describe('the request', () => {
  it.each([
    ['127.0.0.1', 9080, 'Host: 127.0.0.1:9080'],
    ['edge.example', '80', 'Host: edge.example'],
    ['::1', 9080, 'Host: [::1]:9080'],
  ])('says for %s and port %s: %s', async (host, port, line) => {
    const { port: real } = server.address() as AddressInfo
    const asked = new Promise<string>((resolve) => {
      onRequest = (_socket, request) => resolve(request)
    })
    const createConnection = () => connect({ host: '127.0.0.1', port: real })
    const request = begin({ host, port, createConnection })
    request.on('error', () => {})
    request.end()
    expect(await asked).toBe(
      `GET /_brxy/v1/tunnel HTTP/1.1\r\n${line}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer secret\r\n\r\n`,
    )
    request.abort()
  })
})

describe('an answer', () => {
  it('that switches comes with its fields and the bytes behind it, in whatever pieces', async () => {
    const answer = `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${SWITCHED}Sec-WebSocket-Accept: abc\r\n\r\n`
    onRequest = (socket) => {
      for (const byte of answer) socket.write(byte)
      socket.write('\x82\x00')
    }
    const request = begin()
    const { kind, response } = (await outcomeOf(request)) as Outcome & { kind: 'upgrade' }
    expect(kind).toBe('upgrade')
    expect(response).toMatchObject({ statusCode: 101, socket: request.socket })
    expect(response.headers).toEqual({
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-accept': 'abc',
    })
    expect(request.socket.listenerCount('data')).toBe(0)
    request.socket.destroy()
  })

  it('that switches comes with what was sent at once behind it', async () => {
    onRequest = (socket) => socket.write(`${SWITCHED}\r\nframes`)
    const request = begin()
    expect(await outcomeOf(request)).toMatchObject({ kind: 'upgrade', behind: 'frames' })
    request.socket.destroy()
  })

  it.each([
    ['with a length', 'HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nwords', 'words'],
    [
      'in chunks',
      'HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwo\r\n3\r\nrds\r\n0\r\n\r\n',
      'words',
    ],
    ['until the end', 'HTTP/1.1 401 No\r\n\r\nwords', 'words'],
    ['without a body', 'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n', ''],
    [
      'and more behind it',
      'HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nwordsHTTP/1.1 101 Late\r\n\r\n',
      'words',
    ],
  ])('that does not switch is read to its end: %s', async (_what, answer, body) => {
    onRequest = (socket) => socket.end(answer)
    const request = begin()
    expect(await outcomeOf(request)).toEqual({ kind: 'response', status: 401, body })
    await within(5_000, 'the connection is closed', closed(request.socket))
  })

  it.each([
    ['nothing', '', /closed before there was an answer/],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', /status line/],
    ['half a head', 'HTTP/1.1 101 Swi', /closed before there was an answer/],
    ['half a body', 'HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nword', /ended|incomplete|before/i],
    ['a switch to something else', 'HTTP/1.1 101 Ok\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', /101/],
    ['a head without end', `HTTP/1.1 101 Ok\r\nx: ${'x'.repeat(70_000)}`, /maxHeadBytes|longer/],
  ])('that is %s is an error, once', async (_what, answer, message) => {
    onRequest = (socket) => socket.end(answer)
    const request = begin()
    expect(await outcomeOf(request)).toMatchObject({ kind: 'error', message: expect.stringMatching(message) })
    await within(5_000, 'the connection is closed', closed(request.socket))
  })
})

it('says that nobody listens', async () => {
  const request = begin({ createConnection: () => connect({ host: '127.0.0.1', port: 1 }) })
  expect(await outcomeOf(request)).toMatchObject({
    kind: 'error',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) =>
    socket.destroyed && socket.closed ? resolve() : socket.once('close', resolve),
  )
}
