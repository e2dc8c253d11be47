import { BODY_KNOWN, REFUSE, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, type Linked, linked } from '../linked.testkit.ts'
import { RawApp, type RawConnection } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 30_000 }) // megabytes on a busy machine

const use = closedAfterEach()

/** An application that is no HTTP server, linked. */
async function serve(
  serveOne: (connection: RawConnection) => Promise<void>,
  options: Parameters<typeof linked>[1] = {},
  speaksFirst = false,
): Promise<Linked> {
  return use(linked(await RawApp.start(serveOne, 0, speaksFirst), { tcp: true, ...options }))
}

/** Sends back what it gets, and ends when its client does. */
async function echo(connection: RawConnection): Promise<void> {
  connection.write(connection.received)
  connection.socket.pipe(connection.socket)
}

/** Does nothing by itself; the test speaks for it. */
async function silent(): Promise<void> {}

/** The connection on which a first byte has come. */
async function accepted({ app }: Linked, at = 0): Promise<RawConnection> {
  await until('the application has the connection', () => app.connections[at] !== undefined)
  return app.connections[at] as RawConnection
}

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

describe('a TCP stream', () => {
  test('carries bytes that are no HTTP, both ways, as they come', async () => {
    const { session, app, idle } = await serve(echo)
    const stream = session.openTcp()
    for (const bytes of ['\0\xff not HTTP\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n']) {
      stream.write(bytes)
      await stream.receives(bytes)
    }
    stream.stream.end()
    await stream.over
    expect(stream.outcome).toBe('end')
    expect(stream.heads).toEqual([])
    await idle()
    expect(await app.connections[0]?.gone()).toBe('')
  })

  test('of an application that speaks first needs no byte of the client', async () => {
    const { session } = await serve(async (connection) => connection.write('220 ready\r\n'), {}, true)
    const stream = session.openTcp()
    await stream.receives('220 ready\r\n')
    expect(stream.stream.over).toBe(false)
  })

  test('takes more than a window from a client that does not wait for the connection', async () => {
    const { session, app } = await serve(silent)
    const stream = session.openTcp()
    stream.write('x'.repeat(200_000))
    await until('all of it', () => app.connections[0]?.received.length === 200_000)
  })

  test('crosses whole, whatever its pieces are', async () => {
    const { session, idle } = await serve(echo)
    const stream = session.openTcp()
    let sent = ''
    let seed = 11
    for (let piece = 0; piece < 400; piece++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      const text = String.fromCharCode(seed & 255).repeat(1 + ((seed >>> 8) % 20_000))
      sent += text
      stream.write(text)
      if (piece % 50 === 0) await stream.receives(text)
    }
    stream.stream.end()
    await stream.over
    expect(stream.outcome).toBe('end')
    expect(stream.text === sent).toBe(true)
    await idle()
  })
})

describe('half-close', () => {
  test('of the client reaches the application, which may still answer', async () => {
    const { session, idle } = await serve(async (connection) => {
      while (connection.ending === '') await connection.bytes(1)
      connection.write(`got ${connection.received}`)
      await until('the test', () => isLate)
      connection.end('. Bye')
    })
    let isLate = false
    const stream = session.openTcp()
    stream.write('all')
    stream.stream.end()
    await stream.receives('got all')
    isLate = true
    await stream.over
    expect([stream.outcome, stream.text]).toEqual(['end', 'got all. Bye'])
    await idle()
  })

  test('of the application reaches the client, which may go on sending', async () => {
    const one = await serve(async (connection) => connection.end('that is all'))
    const { session } = one
    const stream = session.openTcp()
    stream.write('a')
    await stream.over
    expect([stream.outcome, stream.text]).toEqual(['end', 'that is all'])
    const connection = await accepted(one)
    stream.write('bc')
    await until('the rest', () => connection.received === 'abc')
    // The application still has work.
    expect(session.session.unspent).toBe(0)
    stream.stream.end()
    expect(await connection.gone()).toBe('')
    await one.idle()
  })

  test('of an application that reads nothing more is not kept from the client', async () => {
    const one = await serve(silent)
    const stream = one.session.openTcp()
    stream.write('x')
    const connection = await accepted(one)
    connection.socket.pause()
    const piece = 'x'.repeat(64 * 1024)
    for (let at = 0; at < 400; at++) stream.write(piece)
    await standsStill(() => stream.stream.waitingBytes)
    connection.end('enough')
    await stream.over
    expect([stream.outcome, stream.text]).toEqual(['end', 'enough'])
  })

  test('before the connection is there is kept for it', async () => {
    const { session, idle } = await serve(echo)
    const stream = session.openTcp()
    stream.write('quick')
    stream.stream.end()
    await stream.over
    expect([stream.outcome, stream.text]).toEqual(['end', 'quick'])
    await idle()
  })
})

describe('a slot', () => {
  test('is taken until both directions are over', async () => {
    const one = await serve(silent, { concurrency: 2 })
    const { session } = one.session
    for (const first of ['client', 'application'] as const) {
      const stream = one.session.openTcp()
      stream.write(first)
      await until('the connection', () => one.app.connections.at(-1)?.received === first)
      const connection = one.app.connections.at(-1) as RawConnection
      if (first === 'client') stream.stream.end()
      else connection.end()
      await (first === 'client' ? connection.closed() : stream.over)
      expect(session.unspent).toBe(1)
      if (first === 'client') connection.end()
      else stream.stream.end()
      await one.idle()
      expect(stream.outcome).toBe('end')
    }
  })

  test('is kept by a stream on which nothing happens: idleness cuts nothing that is alive', async () => {
    const one = await serve(echo, { idleMs: 100, appConnectMs: 200 })
    const stream = one.session.openTcp()
    stream.write('x')
    await stream.receives('x')
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(one.session.log).not.toContain('leave')
    stream.stream.end()
    await one.session.says('leave')
  })
})

describe('a reset', () => {
  test('of the client reaches the application as a reset, and frees the slot at once', async () => {
    const one = await serve(echo)
    const stream = one.session.openTcp()
    stream.write('half a com')
    await stream.receives('half a com')
    stream.stream.reset(RESET.CANCELLED)
    expect(await (await accepted(one)).gone()).toBe('ECONNRESET')
    await one.idle()
    expect(one.badResponses()).toEqual([])
  })

  test('of the client while the application does not read does not wait for it', async () => {
    const one = await serve(silent)
    const stream = one.session.openTcp()
    stream.write('x')
    const connection = await accepted(one)
    connection.socket.pause()
    for (let at = 0; at < 200; at++) stream.write('x'.repeat(64 * 1024))
    await standsStill(() => stream.stream.waitingBytes)
    stream.stream.reset(RESET.CANCELLED)
    await one.idle()
    connection.socket.resume()
    await connection.closed()
  })

  test('of the client before the connection is there leaves nothing behind', async () => {
    const one = await serve(echo)
    const stream = one.session.openTcp()
    stream.stream.reset(RESET.CANCELLED)
    await one.idle()
    const next = one.session.openTcp()
    next.write('next')
    await next.receives('next')
  })

  test.for(['', 'half an ans'])('of the application, after %j, is no end of what it said', async (last) => {
    const one = await serve(async (connection) => {
      connection.write(last)
      connection.reset()
    })
    const stream = one.session.openTcp()
    stream.write('x')
    await stream.over
    expect(stream.outcome).toBe(`reset ${RESET.APP_CLOSED}`)
    await one.idle()
    expect(one.badResponses()).toEqual([expect.stringMatching(/^the application broke the connection \(/)])
  })

  test('of the application after its FIN reaches the client when that goes on sending', async () => {
    const one = await serve(async (connection) => {
      connection.end('enough')
      await until('the end is known', () => stream.outcome === 'end')
      connection.reset()
    })
    const stream = one.session.openTcp()
    stream.write('x')
    await stream.over
    await (await accepted(one)).gone()
    stream.write('more')
    await until('the reset', () => stream.outcome === `end, reset ${RESET.APP_CLOSED}`)
    await one.idle()
  })

  test('is what the loss of the session is for the application', async () => {
    const one = await serve(echo)
    const stream = one.session.openTcp()
    stream.write('x')
    await stream.receives('x')
    one.edge.cut()
    expect(await (await accepted(one)).gone()).toBe('ECONNRESET')
    await one.edge.granted(1, 1)
  })
})

describe('a peer that reads nothing', () => {
  test('if it is the client, stops the application', async () => {
    const total = 64 * 1024 * 1024
    const one = await serve(async (connection) => connection.end('z'.repeat(total)))
    const stream = one.session.openTcp()
    stream.consumes = false
    stream.write('x')
    const { socket } = await accepted(one)
    await standsStill(() => socket.writableLength)
    expect(stream.receivedBytes).toBe(64 * 1024)
    expect(socket.writableLength).toBeGreaterThan(total - 12 * 1024 * 1024)
    stream.stream.end()
    stream.consume()
    await stream.over
    expect([stream.outcome, stream.receivedBytes]).toEqual(['end', total])
    await one.idle()
  })

  test('if it is the application, stops the client', async () => {
    const one = await serve(silent)
    const stream = one.session.openTcp()
    stream.write('x')
    const connection = await accepted(one)
    connection.socket.pause()
    const total = 24 * 1024 * 1024
    for (let at = 0; at < total; at += 64 * 1024) stream.write('x'.repeat(64 * 1024))
    stream.stream.end()
    await standsStill(() => stream.stream.waitingBytes)
    expect(stream.stream.waitingBytes).toBeGreaterThan(total - 12 * 1024 * 1024)
    connection.socket.resume()
    connection.end()
    await until('all of it', () => connection.received.length === total + 1)
    await one.idle()
  })
})

describe('what an application does not speak', () => {
  const message = (what: string, is: string) => `the edge sent ${what}: is --tcp ${is}?`

  test('HTTP at a TCP application is reset, and the application sees nothing', async () => {
    const one = await serve(echo)
    const answer = await one.session.get('/', { method: 'POST', body: BODY_KNOWN, length: 9 })
    expect(answer.outcome).toBe(`reset ${RESET.BAD_HEAD}`)
    await one.idle()
    expect(one.app.connections).toEqual([])
    expect(one.badResponses()).toEqual([message('an HTTP request', 'right')])
  })

  test('TCP at an HTTP application is reset, and the application sees nothing', async () => {
    const one = await serve(echo, { tcp: false })
    const stream = one.session.openTcp()
    stream.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await stream.over
    expect(stream.outcome).toBe(`reset ${RESET.BAD_HEAD}`)
    await one.idle()
    expect(one.app.connections).toEqual([])
    expect(one.badResponses()).toEqual([message('a TCP stream', 'missing')])
  })
})

test('readiness is asked for by a connection that is closed at once and says nothing', async () => {
  const one = await serve(silent, {}, true)
  const probe = await accepted(one)
  await probe.closed()
  expect(probe.received).toBe('')
  const stream = one.session.openTcp()
  const connection = await accepted(one, 1)
  connection.end('for the client')
  await stream.over
  expect(stream.text).toBe('for the client')
})

test('an application that is gone gets the stream back to the edge, with what the client has sent', async () => {
  const one = await serve(echo, { concurrency: 2 })
  await one.app.close()
  const stream = one.session.openTcp()
  stream.write('x'.repeat(60_000))
  stream.stream.end()
  await stream.over
  expect(stream.outcome).toBe(`refuse ${REFUSE.INSTANCE}`)
  expect(one.session.session.unspent).toBe(0)
  expect(one.link.of('unreachable').length).toBe(1)
})
