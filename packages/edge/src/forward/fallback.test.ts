import { parseCanonicalResponse, ResponseHead } from '@brxy/http1'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, resetName, type StreamHandler } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseAddress } from '../address.ts'
import { eventually } from '../eventually.testkit.ts'
import { RawServer } from './fallback.testkit.ts'
import { Fallback, type FallbackOpen, MAX_FALLBACK_REQUESTS, MAX_UNCONSUMED_BYTES } from './fallback.ts'

let server: RawServer
let fallback: Fallback
let bugs: unknown[]

beforeEach(async () => {
  bugs = []
  server = await RawServer.start()
  fallback = new Fallback(parseAddress(server.address), (error) => bugs.push(error))
})
afterEach(async () => {
  await server.close()
  // Nothing is left open when the server is gone.
  await eventually('no request', () => fallback.count === 0)
})

/** What a handler heard, one line each. Bodies are joined. */
class Heard implements StreamHandler {
  readonly log: string[] = []
  body = ''
  writable = 0
  /** Called with each line, after it was written down. */
  react: (line: string) => void = () => {}

  onHead(interim: boolean, body: number, length: number, buffer: Buffer, from: number, to: number): void {
    const head = parseCanonicalResponse(buffer, from, to, new ResponseHead())
    expect(head.interim).toBe(interim)
    const fields = Array.from({ length: head.fieldCount }, (_, i) => `${head.name(i)}: ${head.value(i)}`)
    this.#say([`head ${head.status} ${head.reason()} body ${body}/${length}`, ...fields].join('; '))
  }
  onData(buffer: Buffer, from: number, to: number): void {
    this.body += buffer.toString('latin1', from, to)
    this.react('data')
  }
  onTrailers(buffer: Buffer, from: number, to: number): void {
    this.#say(`trailers ${buffer.toString('latin1', from, to)}`)
  }
  onEnd(): void {
    this.#say('end')
  }
  onReset(code: number): void {
    this.#say(`reset ${resetName(code)}`)
  }
  onWritable(): void {
    this.writable++
  }
  onRefuse(): void {
    this.#say('refuse')
  }
  onLost(): void {
    this.#say('lost')
  }
  #say(line: string): void {
    this.log.push(line)
    this.react(line)
  }

  async until(line: string): Promise<string[]> {
    try {
      await eventually(line, () => this.log.includes(line))
    } catch {
      expect(this.log).toContain(line)
    }
    return this.log
  }
}

const opening = (line = 'GET / HTTP/1.1', fields = '', body: Partial<FallbackOpen> = {}): FallbackOpen => {
  const head = Buffer.from(`${line}\r\nHost: shop\r\n${fields}\r\n`, 'latin1')
  return { body: BODY_NONE, length: 0, head, headLength: head.length, ...body }
}

function open(...[line, fields, body]: Parameters<typeof opening>) {
  const heard = new Heard()
  const request = fallback.open(heard, opening(line, fields, body))
  if (request === null) throw new Error('no room')
  return { heard, request }
}

describe('a request at the fallback', () => {
  it('goes there as it came, without a body and on a connection of its own', async () => {
    const fields = 'X-A: ä\r\nX-Forwarded-For: 10.0.0.1\r\nVia: 1.1 brxy\r\n'
    open('GET /a?b HTTP/1.1', fields)
    const { text } = await server.request()
    expect(text).toBe(`GET /a?b HTTP/1.1\r\nHost: shop\r\n${fields}Connection: close\r\n\r\n`)
  })

  it('brings the response back, and leaves nothing open', async () => {
    const { heard } = open()
    const connection = await server.request()
    connection.send(
      'HTTP/1.1 503 So Busy\r\nContent-Length: 5\r\nX-B: c\r\nBrxy-Slots: 3\r\nKeep-Alive: x\r\n\r\nhel',
    )
    await eventually('a part', () => heard.body === 'hel')
    connection.send('lo')
    expect(await heard.until('end')).toEqual(['head 503 So Busy body 1/5; X-B: c', 'end'])
    expect(heard.body).toBe('hello')
    await connection.untilClosed()
    expect(fallback.count).toBe(0)
  })

  it('has a body of known length, which ends with its last byte', async () => {
    const { request } = open('POST / HTTP/1.1', '', { body: BODY_KNOWN, length: 5 })
    const connection = await server.request()
    expect(connection.head).toContain('\r\nContent-Length: 5\r\n')
    const bytes = Buffer.from('xxheyyo')
    expect([request.localEnd, request.write(bytes, 2, 4), request.localEnd]).toEqual([false, true, false])
    request.write(Buffer.from('llo'), 0, 3)
    expect(request.localEnd).toBe(true)
    request.end(null)
    await connection.untilBody('hello')
  })

  it('has no body when its length is 0, and says so where a body is expected', async () => {
    const { request } = open('POST / HTTP/1.1', '', { body: BODY_KNOWN, length: 0 })
    expect(request.localEnd).toBe(true)
    expect((await server.request()).head).toContain('\r\nContent-Length: 0\r\n')
  })

  it('has a body of unknown length in chunks', async () => {
    const { request } = open('PUT / HTTP/1.1', '', { body: BODY_UNKNOWN, length: 0 })
    request.write(Buffer.from('.hello.'), 1, 6)
    request.write(Buffer.alloc(0), 0, 0)
    request.write(Buffer.alloc(20, 'x'), 0, 20)
    request.end(null)
    request.end(null)
    const connection = await server.request()
    expect(connection.head).toContain('\r\nTransfer-Encoding: chunked\r\n')
    await connection.untilBody(`5\r\nhello\r\n14\r\n${'x'.repeat(20)}\r\n0\r\n\r\n`)
    expect(request.localEnd).toBe(true)
  })

  it('ends its chunks with the trailers', async () => {
    const { request } = open('PUT / HTTP/1.1', 'TE: trailers\r\n', { body: BODY_UNKNOWN })
    request.end(Buffer.from('X-Sum: 1\r\nX-More: 2\r\n'))
    const connection = await server.request()
    expect(connection.head).toContain('\r\nTE: trailers\r\nConnection: close, TE\r\n')
    await connection.untilBody('0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n')
  })

  it('is broken off when its body is shorter than it said', async () => {
    const { heard, request } = open('POST / HTTP/1.1', '', { body: BODY_KNOWN, length: 5 })
    const connection = await server.request()
    request.write(Buffer.from('abcd'), 0, 4)
    request.end(null)
    await connection.untilClosed()
    expect(heard.log).toEqual([])
  })

  it('asks for no upgrade', async () => {
    const { heard } = open('GET / HTTP/1.1', 'Upgrade: websocket\r\n')
    const connection = await server.request()
    expect(connection.head).not.toMatch(/upgrade/i)
    connection.send('HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    expect(await heard.until('reset app-protocol')).toHaveLength(1)
  })
})

describe('a response of the fallback', () => {
  const answer = async (bytes: string, line?: string) => {
    const { heard, request } = open(line)
    const connection = await server.request(server.connections.length)
    connection.send(bytes)
    return { heard, request, connection }
  }

  it('may have interim heads before it, but 100 is the edge to say', async () => {
    const { heard } = await answer(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n',
    )
    expect(await heard.until('end')).toEqual([
      'head 103 Early body 0/0; Link: x',
      'head 204 None body 0/0',
      'end',
    ])
  })

  it('to HEAD has a length without a body', async () => {
    const { heard } = await answer('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n', 'HEAD / HTTP/1.1')
    expect(await heard.until('end')).toEqual(['head 200 OK body 0/7', 'end'])
  })

  it('may come in chunks, with trailers', async () => {
    const { heard } = await answer(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n',
    )
    expect(await heard.until('end')).toEqual(['head 200 OK body 2/0', 'trailers X-Sum: 1\r\n', 'end'])
    expect(heard.body).toBe('hello!')
  })

  it('may end with the connection', async () => {
    const { heard, connection } = await answer('HTTP/1.0 200 OK\r\n\r\nhello')
    await eventually('the body', () => heard.body === 'hello')
    expect(heard.log).toEqual(['head 200 OK body 2/0'])
    connection.socket.end()
    expect(await heard.until('end')).toHaveLength(2)
    await connection.untilClosed()
  })

  it.each(['right behind the last byte', 'later'])(
    'that ends with the connection is not complete when that breaks %s',
    async (when) => {
      const { heard, connection } = await answer('HTTP/1.0 200 OK\r\n\r\nhe')
      await eventually('a part', () => heard.body === 'he')
      connection.send('llo')
      if (when === 'later') await eventually('the body', () => heard.body === 'hello')
      connection.socket.resetAndDestroy()
      expect(await heard.until('reset app-closed')).toHaveLength(2)
      expect(heard.body).toBe('hello')
    },
  )

  it('may come before the whole request has', async () => {
    const { heard, request } = open('POST / HTTP/1.1', '', { body: BODY_UNKNOWN })
    const connection = await server.request()
    expect(request.answered).toBe(false)
    connection.send('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n')
    expect(await heard.until('end')).toEqual(['head 413 Too Large body 0/0', 'end'])
    expect([request.answered, request.localEnd]).toEqual([true, true])
    expect(request.write(Buffer.from('late'), 0, 4)).toBe(true)
    request.end(null)
    request.reset()
    await connection.untilClosed()
    expect(heard.log).toHaveLength(2)
  })

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['framed in two ways', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['larger than a head may be', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`],
  ])('that is %s is refused', async (_, bytes) => {
    const { heard, connection } = await answer(bytes)
    expect(await heard.until('reset app-protocol')).toHaveLength(1)
    await connection.untilClosed()
  })

  it('whose chunks are broken is refused in the middle', async () => {
    const { heard } = await answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXX')
    expect(await heard.until('reset app-protocol')).toEqual(['head 200 OK body 2/0', 'reset app-protocol'])
  })

  it.each([
    ['without a byte', ''],
    ['inside its head', 'HTTP/1.1 200 OK\r\nX'],
    ['inside its body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'],
  ])('that ends %s is told as such', async (_, bytes) => {
    const { heard, connection } = await answer(bytes)
    connection.socket.end()
    const log = await heard.until('reset app-closed')
    expect(log).toHaveLength(bytes.includes('\r\n\r\n') ? 2 : 1)
    await connection.untilClosed()
  })

  it('is read no further while the client does not take it', async () => {
    const { heard, request, connection } = await answer('HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n')
    const total = 20_000_000
    connection.send(Buffer.alloc(total, 'x'))
    const bound = MAX_UNCONSUMED_BYTES + 64 * 1024
    await eventually('as much as may wait', () => heard.body.length > MAX_UNCONSUMED_BYTES)
    const before = heard.body.length
    expect(before).toBeLessThanOrEqual(bound)
    let consumed = 0
    heard.react = () => {
      expect(heard.body.length - consumed).toBeLessThanOrEqual(bound)
      if (heard.body.length - consumed < MAX_UNCONSUMED_BYTES) return
      // The client has taken everything; it says so outside of the call.
      const all = heard.body.length
      setImmediate(() => {
        request.consumed(all - consumed)
        consumed = all
      })
    }
    request.consumed(before)
    consumed = before
    await heard.until('end')
    expect([heard.body.length, bugs]).toEqual([total, []])
  })
})

describe('the fallback', () => {
  it('takes no more of the body than the server does, and says when it goes on', async () => {
    const { heard, request } = open('POST / HTTP/1.1', '', { body: BODY_KNOWN, length: 20_000_000 })
    const connection = await server.request()
    connection.socket.pause()
    const part = Buffer.alloc(1_000_000, 'x')
    let parts = 0
    while (request.write(part, 0, part.length)) {
      parts++
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(parts).toBeLessThan(19)
    expect(heard.writable).toBe(0)
    connection.socket.resume()
    await eventually('onWritable', () => heard.writable === 1)
  })

  it('drops the request of a client that has gone, whenever that is', async () => {
    const before = open()
    before.request.reset()
    const during = open()
    const connection = await server.request(server.connections.length)
    during.heard.react = () => during.request.reset()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab')
    await connection.untilClosed()
    expect([before.heard.log, during.heard.log]).toEqual([[], ['head 200 OK body 1/2']])
    expect([during.heard.body, fallback.count]).toEqual(['', 0])
  })

  it('that nobody runs is told by the first event', async () => {
    const { port } = server
    await server.close()
    const nobody = new Fallback(parseAddress(String(port)), () => {})
    expect(nobody.host).toBe('localhost')
    const heard = new Heard()
    nobody.open(heard, opening())
    expect(await heard.until('reset app-closed')).toHaveLength(1)
    expect(nobody.count).toBe(0)
    server = await RawServer.start()
  })

  it('has a bound of requests', () => {
    const requests = Array.from({ length: MAX_FALLBACK_REQUESTS }, () => open().request)
    expect(fallback.open(new Heard(), opening())).toBeNull()
    requests[7]?.reset()
    expect(fallback.open(new Heard(), opening())).not.toBeNull()
  })

  it('survives a handler that throws, and says that this is a bug', async () => {
    const { heard } = open()
    heard.react = (line) => {
      if (line.startsWith('head')) throw new Error('a bug')
    }
    const connection = await server.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await heard.until('reset internal')
    expect(bugs).toEqual([new Error('a bug')])
    await connection.untilClosed()
  })
})
