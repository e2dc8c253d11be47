import { BODY_KNOWN, BODY_UNKNOWN, REFUSE, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../../app/processes.testkit.ts'
import { closedAfterEach, type Linked, linked } from '../../linked.testkit.ts'
import type { TestStream } from '../../tunnel/edge.testkit.ts'
import { RawApp } from '../raw-app.testkit.ts'
import {
  END_STREAM,
  frame,
  goaway,
  H2,
  headers,
  type RawH2,
  rawH2App,
  rstStream,
  settings,
} from './raw-h2.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const OK = [[':status', '200']] as const
const [NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED] = [0, 2, 7, 11, 13]

const use = closedAfterEach()

async function serve(
  serveOne: (h2: RawH2) => Promise<void>,
  options: Parameters<typeof linked>[1] = {},
  first?: string,
  windowBytes = 65_536,
): Promise<Linked> {
  const app = await rawH2App(serveOne, first)
  return use(linked(app, { h2c: true, ...options }, { session: { windowBytes } }))
}

/** Answers each request with these frames. */
function answering(frames: (stream: number) => string[]): (h2: RawH2) => Promise<void> {
  return async (h2) => {
    for (let stream = await h2.request(); stream > 0; stream = await h2.request()) h2.write(...frames(stream))
  }
}

describe('before its head, an application that', () => {
  const BROKEN: readonly (readonly [string, (stream: number) => string[], number, RegExp])[] = [
    [
      'resets',
      (id) => [rstStream(id, INTERNAL_ERROR)],
      RESET.APP_CLOSED,
      /INTERNAL_ERROR.* without an answer/,
    ],
    ['resets without an error', (id) => [rstStream(id, NO_ERROR)], RESET.APP_CLOSED, /NO_ERROR/],
    ['wants HTTP/1.1', (id) => [rstStream(id, HTTP_1_1_REQUIRED)], RESET.APP_CLOSED, /is --h2c right/],
    ['has no status', (id) => [headers(id, [['a', 'b']], END_STREAM)], RESET.APP_PROTOCOL, /PROTOCOL_ERROR/],
    ['switches protocols', (id) => [headers(id, [[':status', '101']])], RESET.APP_PROTOCOL, /./],
    ['has status 99', (id) => [headers(id, [[':status', '099']], END_STREAM)], RESET.APP_PROTOCOL, /./],
    [
      'has status 600',
      (id) => [headers(id, [[':status', '600']], END_STREAM)],
      RESET.APP_PROTOCOL,
      /Status/i,
    ],
    [
      'frames as HTTP/1.1',
      (id) => [headers(id, [...OK, ['transfer-encoding', 'chunked']])],
      RESET.APP_PROTOCOL,
      /./,
    ],
    ['nominates fields', (id) => [headers(id, [...OK, ['connection', 'x']])], RESET.APP_PROTOCOL, /./],
    [
      'has two lengths',
      (id) => [headers(id, [...OK, ['content-length', '1'], ['content-length', '2']])],
      RESET.APP_PROTOCOL,
      /./,
    ],
    [
      'has a length and no body',
      (id) => [headers(id, [...OK, ['content-length', '1']], END_STREAM)],
      RESET.APP_PROTOCOL,
      /./,
    ],
    [
      'has 300 fields',
      (id) => [headers(id, [...OK, ...Array.from({ length: 300 }, () => ['a', 'b'] as const)], END_STREAM)],
      RESET.APP_PROTOCOL,
      /fields/,
    ],
    [
      'ends with an interim head',
      (id) => [headers(id, [[':status', '103']], END_STREAM)],
      RESET.APP_PROTOCOL,
      /./,
    ],
    [
      'has 17 interim heads',
      (id) => Array.from({ length: 17 }, () => headers(id, [[':status', '103']])),
      RESET.APP_PROTOCOL,
      /interim/,
    ],
  ]
  test.each(BROKEN)('%s is a bad answer', async (_, frames, reset, message) => {
    const { session, idle, badResponses } = await serve(answering(frames))
    const answer = await session.get()
    expect([answer.outcome, answer.head]).toEqual([`reset ${reset}`, ''])
    expect(badResponses()[0]).toMatch(message)
    await idle()
  })

  test('breaks the connection is a bad answer for all its requests', async () => {
    const { session, idle } = await serve(
      async (h2) => {
        await h2.request()
        await h2.request()
        h2.connection.reset()
      },
      { concurrency: 2 },
    )
    const answers = [session.open(), session.open()]
    await Promise.all(answers.map(({ over }) => over))
    expect(answers.map(({ outcome }) => outcome)).toEqual(['reset 5', 'reset 5'])
    await idle()
  })

  test.each([
    ['answers in HTTP/1.1', async (h2: RawH2) => h2.connection.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['hangs up', async (h2: RawH2) => h2.connection.end()],
    ['resets the connection', async (h2: RawH2) => h2.connection.reset()],
  ])('%s and speaks no HTTP/2 is a bad answer that names --h2c', async (_, refuse) => {
    const app = await RawApp.start(async (connection) => {
      await connection.bytes(24)
      await refuse({ connection } as RawH2)
    })
    const one = await use(linked(app, { h2c: true }))
    const answer = await one.session.get()
    expect(answer.outcome).toBe(`reset ${RESET.APP_PROTOCOL}`)
    expect(one.badResponses()[0]).toMatch(/is --h2c right\?/)
    await one.idle()
  })

  test('pushes is a bad answer: that was switched off', async () => {
    const { session, idle } = await serve(
      answering((id) => [frame(H2.PUSH_PROMISE, 4, id, '\0\0\0\x02\x82\x84\x86')]),
    )
    expect((await session.get()).outcome).toMatch(/^reset [56]$/)
    await idle()
  })
})

describe('a request that the application never processed goes back to the edge', () => {
  test('when it refuses the stream, and the slot is lent again after a pause', async () => {
    let count = 0
    const { session, idle } = await serve(
      answering((id) => (count++ === 0 ? [rstStream(id, REFUSED_STREAM)] : [headers(id, OK, END_STREAM)])),
    )
    const since = performance.now()
    expect((await session.get()).outcome).toBe(`refuse ${REFUSE.NO_SLOT}`)
    expect(session.session.unspent).toBe(0)
    await idle()
    expect(performance.now() - since).toBeGreaterThan(80)
    expect((await session.get()).status).toBe(200)
  })

  test.each([
    ['gracefully', NO_ERROR],
    ['with an error', ENHANCE_YOUR_CALM],
  ])('when it ends the connection %s and names an earlier stream as the last', async (_, code) => {
    const { session, app, idle } = await serve(
      async (h2) => {
        await h2.request()
        const second = await h2.request()
        if (second > 0) h2.write(goaway(second - 2, code))
        await h2.rest()
      },
      { concurrency: 2 },
    )
    const [first, second] = [session.open(), session.open()]
    await second?.over
    expect(second?.outcome).toBe(`refuse ${REFUSE.NO_SLOT}`)
    // The earlier one goes on, unless the connection is over.
    expect(first?.outcome).toBe(code === NO_ERROR ? '' : `reset ${RESET.APP_CLOSED}`)
    app.connections[0]?.end()
    await first?.over
    await idle()
  })

  test('but not once its answer has begun', async () => {
    const { session, idle } = await serve(
      answering((id) => [headers(id, [[':status', '103']]), rstStream(id, REFUSED_STREAM)]),
    )
    const answer = await session.get()
    expect([answer.heads.length, answer.outcome]).toEqual([1, `reset ${RESET.APP_CLOSED}`])
    await idle()
  })
})

describe('after its head, an application that', () => {
  const head = (id: number, ...fields: (readonly [string, string])[]) => headers(id, [...OK, ...fields])
  const CUT: readonly (readonly [string, (stream: number) => string[]])[] = [
    ['resets', (id) => [head(id), frame(H2.DATA, 0, id, 'some'), rstStream(id, INTERNAL_ERROR)]],
    ['resets without an error', (id) => [head(id), frame(H2.DATA, 0, id, 'some'), rstStream(id, NO_ERROR)]],
    ['resets without an error, and without a body', (id) => [head(id), rstStream(id, NO_ERROR)]],
    ['refuses', (id) => [head(id), frame(H2.DATA, 0, id, 'some'), rstStream(id, REFUSED_STREAM)]],
    ['sends too little', (id) => [head(id, ['content-length', '9']), frame(H2.DATA, END_STREAM, id, 'some')]],
    ['sends too much', (id) => [head(id, ['content-length', '3']), frame(H2.DATA, END_STREAM, id, 'some')]],
    [
      'has trailers that frame',
      (id) => [head(id), frame(H2.DATA, 0, id, 'some'), headers(id, [['content-length', '4']], END_STREAM)],
    ],
    [
      'has a Host in its trailers',
      (id) => [head(id), frame(H2.DATA, 0, id, 'some'), headers(id, [['host', 'a']], END_STREAM)],
    ],
    [
      'has 40 trailers',
      (id) => [
        head(id),
        headers(
          id,
          Array.from({ length: 40 }, (_, at) => [`a${at}`, 'b'] as const),
          END_STREAM,
        ),
      ],
    ],
    ['has trailers that do not end', (id) => [head(id), headers(id, [['a', 'b']])]],
    ['ends the connection', (id) => [head(id), frame(H2.DATA, 0, id, 'some'), goaway(id, INTERNAL_ERROR)]],
  ]
  test.each(CUT)('%s: the client is not told that it was complete', async (_, frames) => {
    const { session, idle } = await serve(answering(frames))
    const answer = await session.get()
    expect(answer.outcome).toMatch(/^reset [456]$/)
    await idle()
  })

  test('closes the connection has cut its answer', async () => {
    const { session, idle } = await serve(async (h2) => {
      const id = await h2.request()
      h2.write(head(id), frame(H2.DATA, 0, id, 'some'))
      h2.connection.end()
    })
    expect((await session.get()).outcome).toBe(`reset ${RESET.APP_CLOSED}`)
    await idle()
  })

  test('closes the connection behind a complete answer has not, even if the client reads it later', async () => {
    const body = 'x'.repeat(16_000)
    const { session, app, idle } = await serve(
      async (h2) => {
        const id = await h2.request()
        h2.write(head(id), ...Array.from({ length: 3 }, () => frame(H2.DATA, 0, id, body)))
        h2.write(headers(id, [['grpc-status', '0']], END_STREAM))
        await h2.seen()
        h2.connection.end()
      },
      {},
      undefined,
      4096,
    )
    const answer = session.open()
    answer.consumes = false
    await until('the end of the connection', () => app.connections[0]?.ending === 'closed')
    answer.consume()
    answer.consumes = true
    await answer.over
    expect([answer.receivedBytes, answer.trailers, answer.outcome]).toEqual([
      48_000,
      'grpc-status: 0\r\n',
      'end',
    ])
    await idle()
  })

  test('does not end a stream whose answer has no body keeps the slot no longer than abortLingerBody', async () => {
    const { session, app, idle } = await serve(
      answering((id) => [headers(id, [[':status', '204']])]),
      {
        abortLingerBodyMs: 50,
      },
    )
    const answer = await session.get()
    expect([answer.status, answer.outcome]).toEqual([204, 'end'])
    await idle()
    expect(app.connections.length).toBe(1)
  })

  test('refuses the rest of an upload behind its complete answer has answered', async () => {
    const { session, idle } = await serve(
      answering((id) => [head(id), frame(H2.DATA, END_STREAM, id, 'no'), rstStream(id, NO_ERROR)]),
    )
    const upload = session.open({ method: 'POST', body: BODY_UNKNOWN })
    await upload.over
    expect([upload.status, upload.text, upload.outcome]).toEqual([200, 'no', 'end'])
    upload.write('more')
    await idle()
  })
})

describe('an upload that is cut', () => {
  test.each([
    ['known', BODY_KNOWN],
    ['unknown', BODY_UNKNOWN],
  ] as const)('of %s length never looks complete to the application', async (_, body) => {
    let h2: RawH2 | undefined
    const { session } = await serve(async (one) => {
      h2 = one
      await one.rest()
    })
    const upload: TestStream = session.open({ method: 'POST', body, length: 10 })
    upload.write('12345')
    await until('the first bytes', () => h2?.frames.some(({ type }) => type === H2.DATA) === true)
    upload.stream.reset(RESET.CANCELLED)
    await until('the reset', () => h2?.frames.some(({ type }) => type === H2.RST_STREAM) === true)
    expect(h2?.frames.some(({ type, flags }) => type === H2.DATA && (flags & END_STREAM) !== 0)).toBe(false)
    expect(h2?.frames.at(-1)?.payload.readUInt32BE()).toBe(8)
  })
})

describe('the connection', () => {
  test('that is ended by GOAWAY finishes what runs, beside its successor', async () => {
    const apps: RawH2[] = []
    const { session, idle } = await serve(
      async (h2) => {
        apps.push(h2)
        const id = await h2.request()
        if (apps.length > 1) return h2.write(headers(id, OK, END_STREAM))
        h2.write(goaway(0x7fffffff, NO_ERROR))
        await h2.seen()
        h2.write(goaway(id, NO_ERROR))
        await h2.seen()
        await until('the second request', () => apps.length === 2)
        h2.write(headers(id, OK, END_STREAM))
        await h2.rest()
      },
      { concurrency: 2 },
    )
    const first = session.open()
    await until('the first request', () => apps.length === 1 && apps[0]?.frames.at(-1)?.type === H2.PING)
    const second = session.open()
    await Promise.all([first.over, second.over])
    expect([first.status, second.status]).toEqual([200, 200])
    await idle()
  })

  test('on which nothing was heard while a client waited is not used again', async () => {
    // DATA before HEADERS breaks the connection for nghttp2, and it is silent about it.
    const apps: RawH2[] = []
    const { session, app, idle } = await serve(
      async (h2) => {
        apps.push(h2)
        const id = await h2.request()
        if (apps.length > 1) return h2.write(headers(id, OK, END_STREAM))
        h2.write(frame(H2.DATA, END_STREAM, id, 'x'))
        await h2.rest()
      },
      { abortLingerBodyMs: 50 },
    )
    const answer = session.open()
    await until('the GOAWAY of nghttp2', () => apps[0]?.frames.at(-1)?.type === H2.GOAWAY)
    expect(answer.outcome).toBe('')
    answer.stream.reset(RESET.CANCELLED)
    await idle()
    // That was heard. The next request hears nothing.
    const silent = session.open()
    silent.stream.reset(RESET.CANCELLED)
    await idle()
    expect((await session.get()).status).toBe(200)
    await until('the end of the first', () => app.connections[0]?.ending !== '')
  })

  test('is given up when no SETTINGS come within appConnect: the application cannot be reached', async () => {
    const { session, link, app } = await serve((h2) => h2.connection.closed(), { appConnectMs: 200 }, '')
    const answer = await session.get()
    expect(answer.outcome).toBe(`refuse ${REFUSE.INSTANCE}`)
    expect(link.of('unreachable').length).toBe(1)
    await until('its end', () => app.connections[0]?.ending !== '')
  })

  test('that nobody accepts is REFUSE, and the application is asked again until it does', async () => {
    const app = await rawH2App(answering((id) => [headers(id, OK, END_STREAM)]))
    const { port } = app
    const one = await use(linked(app, { h2c: true }))
    await app.close()
    const answer = await one.session.get()
    expect(answer.outcome).toBe(`refuse ${REFUSE.INSTANCE}`)
    expect(one.session.session.unspent).toBe(0)
    const again = await RawApp.start(async (connection) => {
      await connection.bytes(24)
    }, port)
    await one.idle()
    await again.close()
  })
})

describe('SETTINGS_MAX_CONCURRENT_STREAMS', () => {
  test('below the slots lowers them; what was lent above goes back to the edge', async () => {
    const { session, link } = await serve(
      async (h2) => {
        const ids = [await h2.request(), await h2.request()]
        for (const id of ids) h2.write(headers(id, OK, END_STREAM))
        await h2.rest()
      },
      { concurrency: 5 },
      settings(2),
    )
    const answers = Array.from({ length: 5 }, () => session.open())
    await Promise.all(answers.map(({ over }) => over))
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      'end',
      'end',
      `refuse ${REFUSE.NO_SLOT}`,
      `refuse ${REFUSE.NO_SLOT}`,
      `refuse ${REFUSE.NO_SLOT}`,
    ])
    await until('both slots lent', () => session.session.unspent === 2)
    expect(session.statuses.at(-1)).toMatchObject({ phase: 'ready', slots: 2 })
    expect(link.of('notice').map(({ message }) => message)).toEqual([
      'the application takes 2 requests at a time over HTTP/2; 2 of 5 slots are lent',
    ])
  })

  test('that is raised later raises the slots, up to -c', async () => {
    const { session } = await serve(
      async (h2) => {
        h2.write(headers(await h2.request(), OK, END_STREAM), settings(100))
        await h2.rest()
      },
      { concurrency: 3 },
      settings(1),
    )
    await session.get()
    await until('every slot lent', () => session.session.unspent === 3)
  })

  test('of none is a moment’s answer: one request at a time asks again', async () => {
    const { session, app } = await serve(
      async (h2) => {
        await until('a second try', () => refused >= 2)
        h2.write(settings(10))
        h2.write(headers(await h2.request(), OK, END_STREAM))
      },
      {},
      settings(0),
    )
    let refused = 0
    let answer = await session.get()
    for (; answer.outcome === `refuse ${REFUSE.NO_SLOT}`; answer = await session.get()) {
      refused++
      await until('the slot', () => session.session.unspent === 1)
    }
    expect(answer.status).toBe(200)
    expect(app.connections.length).toBe(1)
  })
})
