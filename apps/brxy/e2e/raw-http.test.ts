import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import {
  type MessageSink,
  RequestDecoder,
  type RequestHead,
  ResponseDecoder,
  type ResponseHead,
} from '@brxy/http1'
import { EdgeProcess, eventually, expectNoLeftovers, within } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'

/*
 * Bytes in, bytes out, through the real programs: a raw client, `brxy edge`, `brxy link --to`, and an application that
 * is a socket of this test. What either of them receives is read by the strict decoder. The rows of HTTP.md one by one:
 * packages/edge/src/forward/raw-client.test.ts and packages/linker/src/forward/hostile-app.test.ts.
 */

/** A connection of the application, and what it has received. */
interface AppSide {
  readonly socket: Socket
  text: string
  hasEnded: boolean
}

let edge: EdgeProcess
let app: Server
let appSides: AppSide[] = []
let clients: Socket[] = []

beforeAll(async () => {
  app = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const side: AppSide = { socket, text: '', hasEnded: false }
    socket.on('error', () => {})
    socket.on('end', () => {
      side.hasEnded = true
      // The linker's probes say nothing.
      if (side.text === '') socket.end()
    })
    socket.on('data', (data) => {
      if (side.text === '') appSides.push(side)
      side.text += data.toString('latin1')
    })
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const { port } = app.address() as AddressInfo
  edge = await EdgeProcess.start({ command: ['brxy', 'link', '--to', `127.0.0.1:${port}`] })
})

beforeEach(() => {
  appSides = []
  clients = []
})

afterEach(() => {
  for (const client of clients) client.destroy()
  for (const { socket, text } of appSides) {
    socket.destroy()
    readRequests(text)
  }
})

afterAll(async () => {
  await edge.close()
  app.close()
  await expectNoLeftovers()
})

class Client {
  readonly socket: Socket
  text = ''
  hasEnded = false

  constructor() {
    this.socket = connect({ port: edge.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    clients.push(this.socket)
    this.socket.on('data', (data) => {
      this.text += data.toString('latin1')
    })
    this.socket.on('end', () => {
      this.hasEnded = true
    })
    this.socket.on('error', () => {})
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  async until(text: string): Promise<void> {
    await eventually(`${text}, so far ${JSON.stringify(this.text)}`, () => this.text.includes(text))
  }

  async ended(): Promise<void> {
    await eventually('the end', () => this.hasEnded)
  }
}

/** The nth connection of the application, once it has received that. */
function appGot(text: string, nth = 1): Promise<AppSide> {
  return eventually(`${text} at the application`, () =>
    appSides.slice(nth - 1).find((side) => side.text.includes(text)),
  )
}

/** Everything an application received is requests. @returns their lines and bodies. @throws if a byte is not legal */
function readRequests(text: string): string[] {
  const requests: string[] = []
  const decoder = new RequestDecoder()
  const sink: MessageSink<RequestHead> = {
    onHead: (head) => void requests.push(`${head.method} ${head.target()} `),
    onData(buffer, from, to) {
      requests[requests.length - 1] += buffer.toString('latin1', from, to)
    },
    onTrailers() {},
    onEnd() {},
    onError: (error) => {
      throw error
    },
  }
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; ) {
    at = decoder.push(bytes, at, bytes.length, sink)
    if (decoder.idle) decoder.begin()
  }
  return requests
}

/** Everything a client received is complete answers to these methods. @returns statuses, bodies, trailer names */
function readAnswers(text: string, methods: readonly string[], hasEnded: boolean): string[] {
  const answers: string[] = []
  const decoder = new ResponseDecoder()
  const sink: MessageSink<ResponseHead> = {
    onHead: (head) => void answers.push(`${head.status} `),
    onData(buffer, from, to) {
      answers[answers.length - 1] += buffer.toString('latin1', from, to)
    },
    onTrailers(fields) {
      answers[answers.length - 1] += ` ${fields.name(0)}`
    },
    onEnd() {},
    onError: (error) => {
      throw error
    },
  }
  const bytes = Buffer.from(text, 'latin1')
  let at = 0
  for (const method of methods) {
    decoder.begin({ method })
    while (!decoder.idle && at < bytes.length) at = decoder.push(bytes, at, bytes.length, sink)
  }
  if (hasEnded) decoder.eof(sink)
  expect([decoder.idle, at]).toEqual([true, bytes.length])
  return answers
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

// The first, for here the application is not linked yet.
it('an expectation is not met while the request is held, and is when the application is there', async () => {
  const client = new Client().send(
    'PUT /cold HTTP/1.1\r\nHost: raw\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  await edge.event('launching')
  expect(client.text).toBe('')
  await client.until('100 Continue\r\n\r\n')
  client.send('5\r\nhello\r\n0\r\n\r\n')
  const side = await appGot('0\r\n\r\n')
  expect(readRequests(side.text)).toEqual(['PUT /cold hello'])
  expect(side.text).not.toMatch(/expect/i)
  side.socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`)
  await client.until('ok')
  expect(readAnswers(client.text, ['PUT'], false)).toEqual(['100 ', '200 ok'])
})

it('pipelined requests are answered one by one, in order', async () => {
  const client = new Client().send(
    'GET /1 HTTP/1.1\r\nHost: raw\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: raw\r\n\r\nPOST /3 HTTP/1.1\r\nHost: raw\r\nContent-Length: 2\r\n\r\nhiGET /4 HTTP/1.1\r\nHost: raw\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n',
  )
  ;(await appGot('/1')).socket.write('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n')
  ;(await appGot('/2')).socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
  const third = await appGot('/3')
  await eventually('its body', () => third.text.endsWith('\r\n\r\nhi'))
  third.socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n')
  const fourth = await appGot('/4')
  for (const byte of 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\nX-Sum: 1\r\n\r\n') {
    fourth.socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await client.ended()
  expect(readAnswers(client.text, ['GET', 'HEAD', 'POST', 'GET'], true)).toEqual([
    '103 ',
    '204 ',
    '200 ',
    '304 ',
    '200 four X-Sum',
  ])
  expect(appSides.flatMap(({ text }) => readRequests(text))).toEqual([
    'GET /1 ',
    'HEAD /2 ',
    'POST /3 hi',
    'GET /4 ',
  ])
})

it('an answer before the end of an upload reaches the client, and what it still sends is no request', async () => {
  const client = new Client().send('POST /early HTTP/1.1\r\nHost: raw\r\nContent-Length: 100000\r\n\r\nsome')
  const side = await appGot('some')
  side.socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno')
  await client.until('no')
  client.send('GET /smuggled HTTP/1.1\r\nHost: raw\r\n\r\n')
  await client.ended()
  expect(readAnswers(client.text, ['POST'], true)).toEqual(['413 no'])
  await eventually('the end of the upload', () => side.hasEnded)
  const next = new Client().send('GET /next HTTP/1.1\r\nHost: raw\r\n\r\n')
  ;(await appGot('/next')).socket.write(OK)
  await next.until('ok')
  expect(appSides.map(({ text }) => text).join('')).not.toContain('smuggled')
})

it('a client that sends FIN has left: the application is told, and then serves the next one', async () => {
  const client = new Client().send('GET /left HTTP/1.1\r\nHost: raw\r\n\r\n')
  const side = await appGot('/left')
  client.socket.end()
  await eventually('the FIN', () => side.hasEnded)
  const next = new Client().send('GET /next HTTP/1.1\r\nHost: raw\r\n\r\n')
  // Its slot is taken until it has answered, or given up.
  side.socket.end(OK)
  ;(await appGot('/next')).socket.write(OK)
  await next.until('ok')
  expect(client.text).toBe('')
})

it.each([
  ['is no HTTP', 'hello\r\n\r\n', 502],
  ['is cut off in its head', 'HTTP/1.1 200 OK\r\nContent-', 502],
  ['switches unasked', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 502],
  ['never ends its interim heads', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(17), 502],
])('an answer that %s is a 502, on a connection that goes on', async (_, bytes, status) => {
  const client = new Client().send('GET /bad HTTP/1.1\r\nHost: raw\r\n\r\n')
  ;(await appGot('/bad')).socket.end(bytes, 'latin1')
  await client.until(`HTTP/1.1 ${status} `)
  client.send('GET /good HTTP/1.1\r\nHost: raw\r\n\r\n')
  ;(await appGot('/good')).socket.write(OK)
  await client.until('\r\n\r\nok')
  const answers = readAnswers(client.text, ['GET', 'GET'], false).filter(
    (answer) => !answer.startsWith('102'),
  )
  expect(answers).toEqual([expect.stringMatching(/^502 \{.*\}$/), '200 ok'])
})

it('a body that is cut off is never complete for the client, in any framing', async () => {
  for (const [version, framing] of [
    ['1.1', 'Content-Length: 9\r\n'],
    ['1.1', 'Transfer-Encoding: chunked\r\n'],
    ['1.0', 'Transfer-Encoding: chunked\r\n'],
  ]) {
    const client = new Client()
    const over = new Promise<boolean>((resolve) => {
      client.socket.once('close', resolve)
      // libuv tells a RST that comes together with the last data as an ordinary end; a write of nothing finds out.
      client.socket.once('end', () => client.socket.end(Buffer.alloc(0)))
    })
    client.send(`GET /cut HTTP/${version}\r\nHost: raw\r\n\r\n`)
    const side = await appGot('/cut')
    side.socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\n${framing.startsWith('C') ? 'half' : '4\r\nhalf\r\n'}`)
    await client.until('half')
    const hadError = await within('the end of the connection', over)
    // Close-delimited, only a RST tells it from the end; others lack what ends them.
    if (version === '1.0') expect(hadError).toBe(true)
    else
      expect(() => readAnswers(client.text, ['GET'], true)).toThrow(
        expect.objectContaining({ code: 'http1/incomplete' }),
      )
    appSides = []
  }
})
