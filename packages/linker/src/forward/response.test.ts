import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, RESET } from '@brxy/protocol'
import { describe, expect, test } from 'vitest'
import { closedAfterEach, linked, serving } from '../linked.testkit.ts'
import { RawApp, type RawConnection } from './raw-app.testkit.ts'

const use = closedAfterEach()

/** Answers each request with these bytes, then closes if `ending` says so. */
const answering =
  (answer: string, ending: 'keep' | 'end' | 'reset' = 'keep') =>
  async (connection: RawConnection) => {
    while ((await connection.head()) !== null) {
      connection.write(answer)
      if (ending === 'end') connection.end()
      if (ending === 'reset') setImmediate(() => connection.reset())
    }
  }

describe('a response', () => {
  test('of known length ends with its last byte', async () => {
    const { session } = await use(
      serving(answering('HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello')),
    )
    const answer = await session.get()
    expect(answer.outcome).toBe('end')
    expect([answer.bodyKind, answer.length, answer.text]).toEqual([BODY_KNOWN, 5, 'hello'])
    // Framing is made anew by the edge: none of it crosses.
    expect(answer.head).toBe('HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n')
  })

  test('in chunks crosses as decoded bytes, with its trailers', async () => {
    const { session } = await use(
      serving(
        answering(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 9\r\nSet-Cookie: no\r\n\r\n',
        ),
      ),
    )
    const answer = await session.get()
    expect([answer.outcome, answer.bodyKind, answer.text]).toEqual(['end', BODY_UNKNOWN, 'hello'])
    expect(answer.trailers).toBe('X-Sum: 9\r\n')
  })

  test('until close ends with the FIN', async () => {
    const { session, app } = await use(serving(answering('HTTP/1.0 200 OK\r\n\r\nhello', 'end')))
    const answer = await session.get()
    expect([answer.outcome, answer.bodyKind, answer.text]).toEqual(['end', BODY_UNKNOWN, 'hello'])
    expect(answer.head).toBe('HTTP/1.1 200 OK\r\n\r\n')
    await session.get()
    expect(app.connections.length).toBe(2)
  })

  test('to HEAD has the length and no body; so has a 304', async () => {
    const { session } = await use(serving(answering('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')))
    const head = await session.get('/', { method: 'HEAD' })
    expect([head.outcome, head.bodyKind, head.length, head.text]).toEqual(['end', BODY_NONE, 5, ''])

    const other = await use(
      serving(answering('HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: "a"\r\n\r\n')),
    )
    const unmodified = await other.session.get()
    expect([unmodified.outcome, unmodified.length]).toEqual(['end', 7])
  })

  test.for([
    ['204 No Content', ''],
    ['205 Reset Content', 'Content-Length: 0\r\n'],
    ['200 OK', 'Content-Length: 0\r\n'],
  ])('%s has no body, and its connection is used again', async ([status, fields]) => {
    const { session, app } = await use(serving(answering(`HTTP/1.1 ${status}\r\n${fields}\r\n`)))
    for (let i = 0; i < 2; i++) {
      const answer = await session.get()
      expect([answer.outcome, answer.bodyKind, answer.text]).toEqual(['end', BODY_NONE, ''])
    }
    expect(app.connections.length).toBe(1)
  })

  test('may come after interim ones, of which only 100 is not for the client', async () => {
    const { session } = await use(
      serving(
        answering(
          'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
        ),
      ),
    )
    const answer = await session.get()
    expect(answer.heads).toEqual([
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n',
      'HTTP/1.1 102 Processing\r\n\r\n',
      'HTTP/1.1 200 OK\r\n\r\n',
    ])
  })

  test('loses what is said to the linker and to this hop only', async () => {
    const { session } = await use(
      serving(
        answering(
          'HTTP/1.1 200 OK\r\nBrxy-Slots: 1\r\nBrxy-Whatever: 1\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n',
        ),
      ),
    )
    expect((await session.get()).head).toBe('HTTP/1.1 200 OK\r\nX-Kept: 1\r\n\r\n')
  })

  test('one byte at a time is the same', async () => {
    const text =
      'HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n'
    const { session } = await use(
      serving(async (connection) => {
        await connection.head()
        for (const octet of text) {
          connection.write(octet)
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),
    )
    const answer = await session.get()
    expect([answer.outcome, answer.heads.length, answer.text, answer.trailers]).toEqual([
      'end',
      2,
      'hello',
      'T: 1\r\n',
    ])
  })

  test('larger than every window comes whole', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz').toString('latin1')
    const { session, idle } = await use(
      serving(answering(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)),
    )
    for (let i = 0; i < 2; i++) {
      const answer = await session.get()
      expect(answer.outcome).toBe('end')
      expect(answer.text === body).toBe(true)
    }
    await idle()
  })

  test('streams: a byte is forwarded while the rest is not there yet', async () => {
    let go: () => void = () => {}
    const { session } = await use(
      serving(async (connection) => {
        await connection.head()
        connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n')
        await new Promise<void>((resolve) => {
          go = resolve
        })
        connection.end('data: 2\n\n')
      }),
    )
    const answer = session.open()
    await expect.poll(() => answer.text).toBe('data: 1\n\n')
    go()
    await answer.over
    expect(answer.text).toBe('data: 1\n\ndata: 2\n\n')
  })
})

describe('a response that is cut short is never taken for a whole one', () => {
  test.for([
    ['no byte of it', '', RESET.APP_CLOSED],
    ['in the head', 'HTTP/1.1 200 OK\r\nContent-Le', RESET.APP_CLOSED],
    ['after an interim head', 'HTTP/1.1 103 Early Hints\r\n\r\n', RESET.APP_CLOSED],
    ['in a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell', RESET.APP_CLOSED],
    ['in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel', RESET.APP_CLOSED],
    [
      'between chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      RESET.APP_CLOSED,
    ],
    [
      'before the trailers end',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n',
      RESET.APP_CLOSED,
    ],
  ] as const)('%s', async ([, text, code]) => {
    for (const ending of ['end', 'reset'] as const) {
      const { session, badResponses, idle } = await use(serving(answering(text, ending)))
      const answer = await session.get()
      expect(answer.outcome).toBe(`reset ${code}`)
      expect(badResponses().length).toBe(1)
      expect(badResponses()[0]).toMatch(/^GET: the application/)
      await idle()
    }
  })

  test('until close: a RST is no end', async () => {
    const { session } = await use(
      serving(async (connection) => {
        await connection.head()
        connection.write('HTTP/1.0 200 OK\r\n\r\nhello')
        await new Promise((resolve) => setImmediate(resolve))
        connection.reset()
      }),
    )
    const answer = await session.get()
    expect(answer.outcome).toBe(`reset ${RESET.APP_CLOSED}`)
  })
})

describe('what is not HTTP as this linker accepts it is refused, and the connection closed', () => {
  test.for([
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['chunk data without its CRLF', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n'],
    ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    [
      '101 that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['too many interim heads', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17)],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['a head that never ends', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(300)}`],
  ] as const)('%s', async ([, text]) => {
    const { session, app, badResponses, idle } = await use(serving(answering(text)))
    const answer = await session.get()
    expect(answer.outcome).toBe(`reset ${RESET.APP_PROTOCOL}`)
    expect(answer.head === '' || text.includes('chunked')).toBe(true)
    expect(badResponses().length).toBe(1)
    await app.connections[0]?.closed()
    await idle()
  })
})

describe('bytes after a response', () => {
  test('in the same read end the connection, not the response', async () => {
    const { session, app } = await use(
      serving(
        answering(
          'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
        ),
      ),
    )
    for (let i = 0; i < 2; i++) {
      const answer = await session.get()
      expect([answer.outcome, answer.text]).toEqual(['end', 'ok'])
    }
    await app.connections[0]?.closed()
    expect(app.connections.length).toBe(2)
  })

  test('that come later end the idle connection: they are not the answer to the next request', async () => {
    let later: () => void = () => {}
    const app = await RawApp.start(async (connection) => {
      while ((await connection.head()) !== null) {
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        later = () => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
      }
    })
    const { session } = await use(linked(app))
    await session.get()
    const since = performance.now()
    later()
    await app.connections[0]?.closed()
    // Not because it was idle for a second.
    expect(performance.now() - since).toBeLessThan(800)
    expect((await session.get()).text).toBe('ok')
    expect(app.connections.length).toBe(2)
  })

  test('to HEAD, a body that should not be there is not taken for the next answer', async () => {
    const { session, app } = await use(serving(answering('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody')))
    expect((await session.get('/', { method: 'HEAD' })).outcome).toBe('end')
    expect((await session.get()).text).toBe('body')
    expect(app.connections.length).toBe(2)
  })
})
