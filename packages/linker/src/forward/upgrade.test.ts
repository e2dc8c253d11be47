import { BODY_KNOWN, BODY_UNKNOWN, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, type Linked, serving } from '../linked.testkit.ts'
import type { RawConnection } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-A: 1\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const use = closedAfterEach()
const serve = (...given: Parameters<typeof serving>): Promise<Linked> => use(serving(...given))

/** Switches, then sends back what it gets and ends when its client does. */
async function echo(connection: RawConnection): Promise<void> {
  await connection.head()
  connection.write(SWITCH)
  connection.write(connection.unread)
  connection.socket.pipe(connection.socket)
}

/** Reads one head and says that. */
const saying = (answer: string) => async (connection: RawConnection) => {
  await connection.head()
  connection.write(answer)
}

describe('an upgrade', () => {
  test('is asked for with its nomination and no framing, on a connection of its own', async () => {
    const heads: (string | null)[] = []
    const { session, app, idle } = await serve(async (connection) => {
      for (let head = await connection.head(); head !== null; head = await connection.head()) {
        heads.push(head)
        connection.write(OK)
      }
      connection.end()
    })
    for (const request of ['get', 'upgrade', 'get'] as const) {
      const answer = request === 'get' ? session.open() : session.upgrade({ target: '/up' })
      await answer.over
      answer.stream.end()
      await idle()
    }
    expect(heads[1]).toBe(
      'GET /up HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
    )
    // The first connection was idle, and was not taken; the second was not kept.
    const targets = app.connections.map(({ received }) => received.match(/(?<=GET )\S+/g))
    expect(targets).toEqual([['/', '/'], ['/up']])
  })

  test('is told as HEAD 101 with a body of unknown length, and is opaque from there', async () => {
    const { session, idle } = await serve(echo)
    const answer = session.upgrade()
    await until('the head', () => answer.head !== '')
    expect([answer.status, answer.bodyKind]).toEqual([101, BODY_UNKNOWN])
    expect(answer.head).toBe('HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\n\r\n')
    for (const bytes of ['\0\xff', 'GET / HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n']) {
      answer.write(bytes)
      await answer.receives(bytes)
    }
    expect(session.session.unspent).toBe(0)
    answer.stream.end()
    await answer.over
    expect(answer.outcome).toBe('end')
    await idle()
  })

  test.for(['', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n'])(
    'hands on the bytes that came right behind the 101, after %j',
    async (before) => {
      const { session } = await serve(saying(`${before}${SWITCH}HTTP/1.1 first bytes`))
      const answer = session.upgrade()
      await answer.receives('HTTP/1.1 first bytes')
      expect(answer.text).toBe('HTTP/1.1 first bytes')
      expect(answer.heads.length).toBe(before.includes('103') ? 2 : 1)
    },
  )

  test('is the same however its 101 is cut', async () => {
    const { session } = await serve(async (connection) => {
      await connection.head()
      for (const byte of `${SWITCH}now`) {
        connection.write(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const answer = session.upgrade()
    await answer.receives('now')
    expect([answer.status, answer.text]).toEqual([101, 'now'])
  })

  test('whose client has ended before the 101 is ended for the application after it', async () => {
    let isSwitching = false
    const { session, app, idle } = await serve(async (connection) => {
      await connection.head()
      await until('the test', () => isSwitching)
      expect(connection.ending).toBe('')
      connection.write(SWITCH)
      while (connection.ending === '') await connection.bytes(1)
      connection.end('bye')
    })
    const answer = session.upgrade()
    answer.stream.end()
    await until('the request', () => app.connections.length === 1)
    isSwitching = true
    await answer.over
    expect([answer.status, answer.text, answer.outcome]).toEqual([101, 'bye', 'end'])
    await idle()
  })

  test('keeps its slot until both directions are over', async () => {
    const { session, app, idle } = await serve(async (connection) => {
      await connection.head()
      connection.end(`${SWITCH}bye`)
    })
    const answer = session.upgrade()
    await answer.over
    expect([answer.text, session.session.unspent]).toEqual(['bye', 0])
    answer.write('one more')
    await until('it', () => app.connections[0]?.received.endsWith('one more') === true)
    answer.stream.end()
    await idle()
    expect(await app.connections[0]?.gone()).toBe('')
  })

  test('on which nothing happens is not cut by idleness', async () => {
    const { session } = await serve(echo, { idleMs: 100, poolIdleMs: 50 })
    const answer = session.upgrade()
    await until('the head', () => answer.head !== '')
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(session.log).not.toContain('leave')
    answer.write('still there')
    await answer.receives('still there')
  })

  test('of a client that reads nothing stops the application', async () => {
    const total = 64 * 1024 * 1024
    const { session, app, idle } = await serve(saying(`${SWITCH}${'z'.repeat(total)}`))
    const answer = session.upgrade()
    answer.consumes = false
    await until('a window full', () => answer.receivedBytes === 64 * 1024)
    const socket = app.connections[0]?.socket
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(answer.receivedBytes).toBe(64 * 1024)
    expect(socket?.writableLength).toBeGreaterThan(total - 12 * 1024 * 1024)
    socket?.end()
    answer.stream.end()
    answer.consume()
    await answer.over
    expect(answer.receivedBytes).toBe(total)
    await idle()
  })
})

describe('an upgrade that is declined', () => {
  test.for([
    ['with a body', 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 4\r\n\r\ndiff', 426, 'diff'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n', 200, 'no'],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  ] as const)(
    '%s has an ordinary response, and its connection is not used again',
    async ([, answer, ...is]) => {
      const { session, app, idle } = await serve(saying(answer))
      const stream = session.upgrade()
      await stream.over
      expect([stream.status, stream.text]).toEqual(is)
      stream.stream.end()
      await idle()
      await app.connections[0]?.closed()
    },
  )

  test('is no way to send the application another request', async () => {
    const { session, app, idle } = await serve(async (connection) => {
      await connection.head()
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nn')
      await until('the test', () => isOver)
      connection.write('o')
    })
    let isOver = false
    const stream = session.upgrade()
    await until('the head', () => stream.status === 200)
    for (let at = 0; at < 4; at++) stream.write('GET /evil HTTP/1.1\r\n\r\n'.padEnd(64 * 1024, 'x'))
    stream.stream.end()
    // Thrown away, and credited: the edge need not wait.
    await until('all of it is gone', () => stream.stream.waitingBytes === 0)
    isOver = true
    await stream.over
    await idle()
    expect(app.connections.map(({ received }) => received).join('')).not.toContain('evil')
  })
})

describe('a 101 that is not what was asked for', () => {
  const websocket = (accept: string) =>
    `HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${accept}\r\n`
  const KEY = 'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const ACCEPT = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'

  test('is one if the WebSocket key is answered (RFC 6455 1.3)', async () => {
    const { session } = await serve(saying(websocket(ACCEPT)))
    const answer = session.upgrade({ fields: KEY })
    await until('the head', () => answer.status === 101)
    expect(answer.head).toContain(ACCEPT)
  })

  test.for([
    ['another protocol', 'Upgrade: other\r\n', SWITCH],
    ['no nomination', 'Upgrade: echo\r\n', 'HTTP/1.1 101 S\r\nUpgrade: echo\r\n\r\n'],
    ['no answer to the key', KEY, websocket('')],
    ['a wrong answer to the key', KEY, websocket('Sec-WebSocket-Accept: AAAA\r\n')],
  ] as const)('because of %s is an error, and the connection is closed', async ([, fields, answer]) => {
    const { session, app, idle, badResponses } = await serve(saying(`${answer}evil`))
    const stream = session.upgrade({ fields })
    await stream.over
    expect([stream.outcome, stream.text]).toEqual([`reset ${RESET.APP_PROTOCOL}`, ''])
    await idle()
    await app.connections[0]?.closed()
    expect(badResponses().length).toBe(1)
  })

  test('because nothing was asked for is an error', async () => {
    const { session, idle } = await serve(saying(SWITCH))
    // Upgrade without the bit is for nobody.
    const stream = await session.get('/', { fields: 'Upgrade: echo\r\n' })
    expect(stream.outcome).toBe(`reset ${RESET.APP_PROTOCOL}`)
    await idle()
  })
})

test.for([
  ['names no protocol', { fields: '' }],
  ['names one that must not pass', { fields: 'Upgrade: h2c\r\n' }],
  ['has a body of known length', { body: BODY_KNOWN, length: 3 }],
  ['is no GET', { method: 'POST' }],
] as const)('an OPEN for an upgrade that %s is not sent to the application', async ([, request]) => {
  const { session, app, idle } = await serve(echo)
  const stream = session.upgrade(request)
  await stream.over
  expect(stream.outcome).toBe(`reset ${RESET.BAD_HEAD}`)
  await idle()
  expect(app.connections).toEqual([])
})

describe('a reset', () => {
  test('of the client reaches the application as a reset, and frees the slot at once', async () => {
    const { session, app, idle } = await serve(echo)
    const answer = session.upgrade()
    await until('the head', () => answer.head !== '')
    answer.stream.reset(RESET.CANCELLED)
    expect(await app.connections[0]?.gone()).toBe('ECONNRESET')
    await idle()
  })

  test('of the client before the 101 keeps the slot until the application has answered', async () => {
    let isSwitching = false
    const { session, app, idle } = await serve(
      async (connection) => {
        await connection.head()
        await until('the test', () => isSwitching)
        connection.write(SWITCH)
      },
      { abortLingerBodyMs: 60_000 },
    )
    const answer = session.upgrade()
    await until('the request', () => app.connections.length === 1)
    answer.stream.reset(RESET.CANCELLED)
    await app.connections[0]?.closed() // half: the application is told
    expect(session.session.unspent).toBe(0)
    isSwitching = true
    await idle()
    expect(answer.heads).toEqual([])
  })

  test('of the application reaches the client as a reset, though it comes with the last bytes', async () => {
    const { session, idle } = await serve(async (connection) => {
      await connection.head()
      connection.write(`${SWITCH}half a mess`)
      connection.reset()
    })
    const answer = session.upgrade()
    await answer.over
    expect([answer.status, answer.outcome]).toEqual([101, `reset ${RESET.APP_CLOSED}`])
    await idle()
  })
})
