import { BODY_KNOWN, BODY_UNKNOWN, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, type Linked, linked, serving } from '../linked.testkit.ts'
import type { TestSession } from '../tunnel/edge.testkit.ts'
import { RawApp, type RawConnection } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 20_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const use = closedAfterEach()
const serve = (...given: Parameters<typeof serving>): Promise<Linked> => use(serving(...given))

/** Answers every request, with a body that comes in one piece with its head or right after it. */
async function ordinary(connection: RawConnection): Promise<void> {
  for (let head = await connection.head(); head !== null; head = await connection.head()) {
    await connection.bytes(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0) || 0)
    if (/chunked/i.test(head)) while (!connection.received.endsWith('0\r\n\r\n')) await connection.bytes(1)
    connection.write(OK)
  }
}

async function upload(session: TestSession, method: string, body: 1 | 2) {
  const answer = session.open({ method, body, length: body === BODY_KNOWN ? 2 : 0 })
  answer.write('hi')
  answer.stream.end()
  await answer.over
  await until('the grant is back', () => session.session.unspent === 1)
  return answer
}

describe('a connection is used again', () => {
  test.for(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PROPFIND'])(
    'after %s without a body',
    async (method) => {
      const { session, app, idle } = await serve(async (connection) => {
        while ((await connection.head()) !== null)
          connection.write(method === 'HEAD' ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' : OK)
      })
      for (let i = 0; i < 3; i++) {
        expect((await session.get('/', { method })).outcome).toBe('end')
        await idle()
      }
      expect(app.connections.length).toBe(1)
      expect(app.connections[0]?.received).not.toContain('Connection')
    },
  )

  test.for([
    ['POST', 1],
    ['PUT', 1],
    ['PATCH', 1],
  ])('after %s with a body of known length', async ([method]) => {
    const { session, app } = await serve(ordinary)
    for (let i = 0; i < 3; i++) await upload(session, method as string, BODY_KNOWN)
    expect(app.connections.length).toBe(1)
  })

  test('after POST with a chunked body', async () => {
    const { session, app } = await serve(async (connection) => {
      while ((await connection.head()) !== null) {
        let body = ''
        while (!body.endsWith('0\r\n\r\n')) body += await connection.bytes(1)
        connection.write(OK)
      }
    })
    for (let i = 0; i < 3; i++) await upload(session, 'POST', BODY_UNKNOWN)
    expect(app.connections.length).toBe(1)
  })
})

describe('a connection is closed', () => {
  test('after a body of a method that applications do not expect one of', async () => {
    const { session, app } = await serve(ordinary)
    for (let i = 0; i < 2; i++) await upload(session, 'DELETE', BODY_KNOWN)
    expect(app.connections.length).toBe(2)
    expect(app.connections[0]?.received).toContain('\r\nConnection: close\r\n')
  })

  test.for([
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  ])('when the application says so: %j', async (answer) => {
    const { session, app, idle } = await serve(async (connection) => {
      while ((await connection.head()) !== null) connection.write(answer)
    })
    for (let i = 0; i < 2; i++) {
      expect((await session.get()).text).toBe('ok')
      await idle()
    }
    expect(app.connections.length).toBe(2)
  })

  test('after every request with appReuse never, after a body with bodyless', async () => {
    const never = await serve(ordinary, { appReuse: 'never' })
    for (let i = 0; i < 2; i++) {
      await never.session.get()
      await never.idle()
    }
    expect(never.app.connections.length).toBe(2)

    const bodyless = await serve(ordinary, { appReuse: 'bodyless' })
    for (let i = 0; i < 2; i++) await upload(bodyless.session, 'POST', BODY_KNOWN)
    expect(bodyless.app.connections.length).toBe(2)
    for (let i = 0; i < 2; i++) {
      await bodyless.session.get()
      await bodyless.idle()
    }
    expect(bodyless.app.connections.length).toBe(3)
  })

  test('after a second of idleness', async () => {
    const { session, app } = await serve(ordinary)
    await session.get()
    const since = performance.now()
    await app.connections[0]?.closed()
    expect(performance.now() - since).toBeGreaterThan(900)
    // A busy machine is late.
    expect(performance.now() - since).toBeLessThan(5_000)
  })
})

describe('unsafe methods', () => {
  test('use a connection that was idle for less than 200 ms only', async () => {
    const { session, app, idle, link } = await serve(ordinary)
    await session.get()
    await idle()
    const { wheel } = link.linker
    const until250 = wheel.now() + 250
    await until('250 ms of idleness', () => wheel.now() > until250)
    await session.get('/', { method: 'POST' })
    expect(app.connections.length).toBe(2)
    await idle()
    await session.get('/', { method: 'POST' })
    expect(app.connections.length).toBe(2)
  })
})

describe('a kept connection that the application has closed', () => {
  /** Closes each connection when its second request comes. */
  const dying = (ending: 'fin' | 'rst') => async (connection: RawConnection) => {
    await connection.head()
    connection.write(OK)
    if ((await connection.head()) === null) return
    if (ending === 'fin') connection.end()
    else connection.reset()
  }

  test.for(['fin', 'rst'] as const)(
    '(%s) costs a safe request nothing: it is sent again, once',
    async (ending) => {
      const { session, app, idle, badResponses } = await serve(dying(ending))
      for (let i = 0; i < 4; i++) {
        expect((await session.get()).text).toBe('ok')
        await idle()
      }
      expect(app.connections.length).toBe(4)
      expect(badResponses()).toEqual([])
    },
  )

  test.for(['fin', 'rst'] as const)('(%s) fails an unsafe one, which is never sent again', async (ending) => {
    const { session, app, idle } = await serve(dying(ending))
    await session.get()
    await idle()
    const answer = await session.get('/', { method: 'POST' })
    expect(answer.outcome).toBe(`reset ${RESET.APP_CLOSED}`)
    expect(app.connections.length).toBe(1)
    await idle()
  })

  test('is not the reason when a fresh one closes without an answer: that is sent once', async () => {
    const { session, app } = await serve(async (connection) => {
      await connection.head()
      connection.end()
    })
    expect((await session.get()).outcome).toBe(`reset ${RESET.APP_CLOSED}`)
    expect(app.connections.length).toBe(1)
  })

  test.for(['fin', 'rst'] as const)(
    '(%s) is not sent again once a byte of an answer has come',
    async (ending) => {
      let came: () => boolean = () => false
      const { session, app, idle } = await serve(async (connection) => {
        await connection.head()
        connection.write(OK)
        if ((await connection.head()) === null) return
        connection.write('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2')
        await until('the first bytes', () => came())
        if (ending === 'fin') connection.end()
        else connection.reset()
      })
      await session.get()
      await idle()
      const answer = session.open()
      came = () => answer.heads.length > 0
      await answer.over
      expect(answer.outcome).toBe(`reset ${RESET.APP_CLOSED}`)
      expect(app.connections.length).toBe(1)
    },
  )
})

/** Serves one connection at a time, from its first byte to its end, as `http.server` of Python does. */
async function singleThreaded(): Promise<{ app: RawApp; most: () => number }> {
  let turn = Promise.resolve()
  let running = 0
  let most = 0
  const app = await RawApp.start(async (connection) => {
    const before = turn
    let done: () => void = () => {}
    turn = new Promise((resolve) => {
      done = resolve
    })
    await before
    for (let head = await connection.head(); head !== null; head = await connection.head()) {
      most = Math.max(most, ++running)
      const ms = Number(/^GET \/(\d+)/.exec(head)?.[1] ?? 0)
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
      running--
      connection.write(OK)
    }
    done()
  })
  return { app, most: () => most }
}

describe('an application with a single thread, given two requests at a time', () => {
  test('is not kept from one connection by another that idles, for much more than 100 ms', async () => {
    const { app } = await singleThreaded()
    const one = await use(linked(app, { concurrency: 2 }))
    const since = performance.now()
    const [first, second] = await Promise.all([one.session.get('/20'), one.session.get('/20')])
    expect([first?.text, second?.text]).toEqual(['ok', 'ok'])
    // Not the second that an idle connection may live.
    expect(performance.now() - since).toBeLessThan(700)
  })

  test('nor when requests keep coming', async () => {
    const { app } = await singleThreaded()
    const one = await use(linked(app, { concurrency: 3 }))
    const since = performance.now()
    const work = Array.from({ length: 3 }, async () => {
      for (let i = 0; i < 4; i++) expect((await one.session.get('/5')).text).toBe('ok')
    })
    await Promise.all(work)
    expect(performance.now() - since).toBeLessThan(4_000)
  })
})
