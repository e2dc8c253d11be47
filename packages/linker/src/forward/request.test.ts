import { BODY_KNOWN, BODY_UNKNOWN, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, type Linked, serving } from '../linked.testkit.ts'
import type { RawConnection } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 30_000 }) // megabytes on a busy machine

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const use = closedAfterEach()
const serve = (...given: Parameters<typeof serving>): Promise<Linked> => use(serving(...given))

/** Resolves once the number has not changed for a while. */
async function standsStill(count: () => number): Promise<void> {
  let before = -1
  let sinceMs = 0
  await until('nothing moves any more', () => {
    if (before !== count()) sinceMs = performance.now()
    before = count()
    return performance.now() - sinceMs > 300
  })
}

/** Reads a whole request by its framing and answers it. @returns what it read in `seen` */
function reading(seen: string[], answer = OK) {
  return async (connection: RawConnection) => {
    for (let head = await connection.head(); head !== null; head = await connection.head()) {
      let text = head
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
      if (length > 0) text += await connection.bytes(length)
      while (
        /^transfer-encoding: chunked/im.test(head) &&
        !text.endsWith('0\r\n\r\n') &&
        !/\r\n0\r\n.+\r\n\r\n$/s.test(text)
      )
        text += await connection.bytes(1)
      seen.push(text)
      connection.write(answer)
    }
  }
}

describe('a request', () => {
  test('gets framing made anew, and nothing of other hops', async () => {
    const seen: string[] = []
    const { session } = await serve(reading(seen))
    await session.get('/a?b', { fields: 'Accept: */*\r\nX-A: 1\r\nTE: trailers\r\n' })
    expect(seen).toEqual([
      'GET /a?b HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\nX-A: 1\r\nTE: trailers\r\nConnection: TE\r\n\r\n',
    ])
  })

  test('of known length crosses whole', async () => {
    const seen: string[] = []
    const { session } = await serve(reading(seen))
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length: 10 })
    answer.write('hello')
    answer.write('world')
    await answer.over
    expect(answer.outcome).toBe('end')
    expect(seen).toEqual(['POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10\r\n\r\nhelloworld'])
  })

  test('of unknown length goes in chunks, with trailers if it has some', async () => {
    const seen: string[] = []
    const { session } = await serve(reading(seen))
    for (const trailers of [null, Buffer.from('X-Sum: 9\r\n')]) {
      const answer = session.open({ method: 'POST', body: BODY_UNKNOWN })
      answer.write('hello')
      answer.stream.end(trailers)
      await answer.over
      await until('the grant is back', () => session.session.unspent === 1)
    }
    const head = 'POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(seen).toEqual([`${head}5\r\nhello\r\n0\r\n\r\n`, `${head}5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n`])
  })

  test('of a method that implies a body says that there is none', async () => {
    const seen: string[] = []
    const { session } = await serve(reading(seen))
    await session.get('/', { method: 'POST' })
    expect(seen[0]).toContain('\r\nContent-Length: 0\r\n')
  })

  test("with Expect is answered by the application's 100, which is not for the client", async () => {
    const { session } = await serve(async (connection) => {
      await connection.head()
      connection.write('HTTP/1.1 100 Continue\r\n\r\n')
      await connection.bytes(2)
      connection.write(OK)
    })
    const answer = session.open({
      method: 'PUT',
      fields: 'Expect: 100-continue\r\n',
      body: BODY_KNOWN,
      length: 2,
    })
    answer.write('hi')
    await answer.over
    expect(answer.heads.length).toBe(1)
    expect(answer.text).toBe('ok')
  })

  test.for([
    ['a head that is not canonical', 'Connection: close\r\n'],
    ['a second framing', 'Content-Length: 3\r\n'],
    ['a second Host', 'Host: other\r\n'],
  ] as const)('with %s is not sent to the application', async ([, fields]) => {
    const { session, app, idle } = await serve(reading([]))
    const answer = await session.get('/', { fields })
    expect(answer.outcome).toBe(`reset ${RESET.BAD_HEAD}`)
    await idle()
    expect(app.connections.length).toBe(0)
  })

  test('with trailers that are not canonical is not ended as if it were whole', async () => {
    const { session, app, idle } = await serve(reading([]))
    const answer = session.open({ method: 'POST', body: BODY_UNKNOWN })
    answer.write('hello')
    answer.stream.end(Buffer.from('Content-Length: 3\r\n'))
    await answer.over
    expect(answer.outcome).toBe(`reset ${RESET.BAD_HEAD}`)
    await idle()
    for (const { received } of app.connections) expect(received).not.toContain('0\r\n')
  })
})

describe('an upload', () => {
  test('larger than every window comes whole', async () => {
    const length = 6 * 1024 * 1024
    let received = ''
    const { session } = await serve(async (connection) => {
      await connection.head()
      received = (await connection.bytes(length)) ?? ''
      connection.write(OK)
    })
    const body = Buffer.alloc(length, 'abcdefghijklmnopqrstuvwxyz').toString('latin1')
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length })
    for (let at = 0; at < length; at += 65_536) answer.write(body.slice(at, at + 65_536))
    await answer.over
    expect(answer.outcome).toBe('end')
    expect(received === body).toBe(true)
  })

  test('to an application that does not read gets no credit: what is on its way stays small', async () => {
    let read: () => void = () => {}
    const { session } = await serve(async (connection) => {
      connection.socket.pause()
      await new Promise<void>((resolve) => {
        read = resolve
      })
      connection.socket.resume()
      await connection.head()
      await connection.bytes(total)
      connection.write(OK)
    })
    const total = 32 * 1024 * 1024
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length: total })
    const piece = 'x'.repeat(64 * 1024)
    for (let at = 0; at < total; at += piece.length) answer.write(piece)
    // The kernel's buffers on both sides of two connections, and windows; then nothing moves.
    await standsStill(() => answer.stream.waitingBytes)
    expect(answer.stream.waitingBytes).toBeGreaterThan(total - 12 * 1024 * 1024)
    read()
    await answer.over
    expect(answer.outcome).toBe('end')
  })

  test('in small pieces to a slow application does not stall', async () => {
    const total = 4 * 1024 * 1024
    const { session } = await serve(async (connection) => {
      const { socket } = connection
      await connection.head()
      while (connection.unread.length < total && connection.ending === '') {
        socket.pause()
        await new Promise((resolve) => setTimeout(resolve, 2))
        const before = connection.unread.length
        socket.resume()
        await until('more of the upload', () => connection.unread.length > before || connection.ending !== '')
      }
      connection.write(OK)
    })
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length: total })
    const piece = 'y'.repeat(10_000)
    let left = total
    while (left > 0) {
      const text = piece.slice(0, left)
      left -= text.length
      const writable = answer.writableCount
      if (!answer.write(text)) await until('room', () => left === 0 || answer.writableCount > writable)
    }
    await answer.over
    expect(answer.outcome).toBe('end')
  })
})

describe('an answer before the upload has ended', () => {
  test('is forwarded; the connection is closed, the slot freed, and the rest of the upload credited', async () => {
    let refuse: () => void = () => {}
    const { session, app, idle } = await serve(async (connection) => {
      await connection.head()
      connection.socket.pause()
      refuse = () => connection.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno')
    })
    const total = 24 * 1024 * 1024
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length: total })
    const piece = 'x'.repeat(64 * 1024)
    for (let at = 0; at < total; at += piece.length) answer.write(piece)
    await standsStill(() => answer.stream.waitingBytes)
    expect(answer.stream.waitingBytes).toBeGreaterThan(0)
    refuse()
    await answer.over
    expect([answer.outcome, answer.status, answer.text]).toEqual(['end', 413, 'no'])
    await idle()
    app.connections[0]?.socket.resume()
    await app.connections[0]?.closed()
    await until('nothing of the upload waits', () => answer.stream.waitingBytes === 0)
  })

  test('does not make the rest of the upload the next request', async () => {
    const { session, app, idle } = await serve(async (connection) => {
      await connection.head()
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      while (connection.ending === '') await connection.bytes(1)
    })
    const early = session.open({ method: 'POST', body: BODY_KNOWN, length: 30 })
    early.write('x')
    await early.over
    await idle()
    early.write('GET /evil HTTP/1.1\r\nHost: a\r\n')
    expect((await session.get()).text).toBe('ok')
    expect(app.connections.length).toBe(2)
    expect(app.connections.map(({ received }) => received).join('')).not.toContain('evil')
  })

  test('may stream while the upload does', async () => {
    const { session } = await serve(async (connection) => {
      await connection.head()
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (let at = 0; at < 3; at++) connection.write(`1\r\n${await connection.bytes(1)}\r\n`)
      connection.write('0\r\n\r\n')
    })
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length: 3 })
    for (const letter of 'abc') {
      answer.write(letter)
      await until(`the echo of ${letter}`, () => answer.text.endsWith(letter))
    }
    await answer.over
    expect(answer.text).toBe('abc')
  })
})

describe('a client that reads slowly', () => {
  test('stops the reading of its response, which then goes on where it was', async () => {
    const total = 64 * 1024 * 1024
    let unsentBytes = () => total
    const { session, idle } = await serve(async (connection) => {
      await connection.head()
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      connection.write('z'.repeat(total))
      unsentBytes = () => connection.socket.writableLength
    })
    const answer = session.open()
    answer.consumes = false
    await until('the head', () => answer.head !== '')
    await standsStill(() => unsentBytes())
    expect(answer.receivedBytes).toBe(64 * 1024)
    expect(unsentBytes()).toBeGreaterThan(total - 12 * 1024 * 1024)
    answer.consume()
    await answer.over
    expect([answer.outcome, answer.receivedBytes]).toEqual(['end', total])
    await idle()
  })

  test('keeps its slot until the end of its response is in the tunnel, and not the connection', async () => {
    const total = 100_000
    const { session, app, idle } = await serve(
      async (connection) => {
        while ((await connection.head()) !== null)
          connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n${'z'.repeat(total)}`)
      },
      { concurrency: 2 },
    )
    const slow = session.open()
    slow.consumes = false
    await until('a window full', () => slow.receivedBytes === 65_536)
    expect(session.session.unspent).toBe(1)
    // The connection may have gone back to the pool with its reading stopped; whoever uses it next must not wait.
    for (let i = 0; i < 3; i++) {
      const next = await session.get()
      expect([next.outcome, next.receivedBytes]).toEqual(['end', total])
    }
    expect(slow.outcome).toBe('')
    slow.consume()
    await slow.over
    expect(slow.outcome).toBe('end')
    await idle()
    expect(app.connections.length).toBeLessThanOrEqual(2)
  })

  test('that leaves then does not take the connection of another request with it', async () => {
    const total = 100_000
    let release: () => void = () => {}
    const { session, idle } = await serve(
      async (connection) => {
        while ((await connection.head()) !== null) {
          if (connection.received.includes('/held'))
            await new Promise<void>((resolve) => {
              release = resolve
            })
          connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n${'z'.repeat(total)}`)
        }
      },
      { concurrency: 2 },
    )
    const slow = session.open()
    slow.consumes = false
    await until('a window full', () => slow.receivedBytes === 65_536)
    const held = session.open({ target: '/held' })
    await until('the second request', () => release.toString() !== '() => { }')
    slow.stream.reset(RESET.CANCELLED)
    await until('the slot of the first is free', () => session.session.unspent === 1)
    release()
    await held.over
    expect([held.outcome, held.receivedBytes]).toEqual(['end', total])
    await idle()
  })
})
