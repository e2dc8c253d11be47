import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../../app/processes.testkit.ts'
import { closedAfterEach, type Linked, linked } from '../../linked.testkit.ts'
import type { TestSession } from '../../tunnel/edge.testkit.ts'
import { fieldOf, H2App, type H2Call } from './h2-app.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const use = closedAfterEach<H2App>()

async function serve(
  answer: (call: H2Call) => void,
  options: Parameters<typeof linked>[1] = {},
  settings: Parameters<typeof H2App.start>[1] = {},
): Promise<Linked<H2App>> {
  return use(linked(await H2App.start(answer, settings), { h2c: true, ...options }))
}

/** Leaves the upload to /stopped unread, and answers everything else. */
function stopped({ stream, fields }: H2Call): void {
  if (fields.includes('/stopped')) stream.pause()
  else stream.respond({ ':status': 200 }, { endStream: true })
}

/** Requests one after the other: time for whatever else is on the way, however slow the machine is. */
async function roundTrips(session: TestSession): Promise<void> {
  for (let i = 0; i < 200; i++) {
    await until('a grant', () => session.session.unspent > 0)
    expect((await session.get()).status).toBe(200)
  }
}

describe('a request', () => {
  test('has pseudo-header fields, and neither Host nor hop-by-hop fields', async () => {
    const { session, app, idle } = await serve(({ stream }) =>
      stream.respond({ ':status': 200 }, { endStream: true }),
    )
    const answer = await session.get('/a?b=c', {
      method: 'PURGE',
      fields:
        'X-One: 1\r\nCookie: a=1\r\nx-one: 2\r\nCookie: b=2\r\nUser-Agent: x\r\nUser-Agent: y\r\nX-High: \xe9\r\n',
    })
    await idle()
    expect(answer.status).toBe(200)
    expect(app.calls[0]?.fields.slice(0, 8)).toEqual([
      ':method',
      'PURGE',
      ':scheme',
      'http',
      ':authority',
      'shop.example',
      ':path',
      '/a?b=c',
    ])
    const call = app.calls[0] as H2Call
    expect(call.fields.filter((_, at) => at % 2 === 0).slice(4)).toEqual([
      'x-one',
      'cookie',
      'user-agent',
      'x-high',
    ])
    expect(fieldOf(call, 'x-one')).toBe('1, 2')
    expect(fieldOf(call, 'cookie')).toBe('a=1; b=2')
    expect(fieldOf(call, 'x-high')).toBe('\xe9')
  })

  test('offers trailers if the client does, and not otherwise', async () => {
    const { session, app } = await serve(({ stream }) =>
      stream.respond({ ':status': 200 }, { endStream: true }),
    )
    await session.get('/', { fields: 'TE: trailers\r\n' })
    await session.get('/')
    expect(app.calls.map((call) => fieldOf(call, 'te'))).toEqual(['trailers', undefined])
  })

  test('asks for * with OPTIONS', async () => {
    const { session, app } = await serve(({ stream }) =>
      stream.respond({ ':status': 204 }, { endStream: true }),
    )
    await session.get('*', { method: 'OPTIONS' })
    expect(fieldOf(app.calls[0] as H2Call, ':path')).toBe('*')
  })

  test('brings its body, of known and of unknown length, and its trailers', async () => {
    const { session, app, idle } = await serve(({ stream }) => {
      stream.on('end', () => stream.respond({ ':status': 200 }, { endStream: true }))
    })
    const known = session.open({ method: 'POST', body: BODY_KNOWN, length: 5 })
    known.write('12345')
    await known.over
    await idle()
    const unknown = session.open({ method: 'POST', body: BODY_UNKNOWN })
    unknown.write('abc')
    unknown.write('def')
    unknown.stream.end(Buffer.from('X-Sum: 7\r\nAuthorization: no\r\n'))
    await unknown.over
    await idle()
    expect(app.calls.map(({ body }) => body)).toEqual(['12345', 'abcdef'])
    expect(app.calls.map((call) => fieldOf(call, 'content-length'))).toEqual(['5', undefined])
    expect(app.calls[1]?.trailers).toEqual(['x-sum', '7'])
  })

  test('has no more of its body on the way than the application takes', async () => {
    const { session, app } = await serve(stopped, { concurrency: 2 })
    const upload = session.open({ method: 'POST', target: '/stopped', body: BODY_UNKNOWN })
    const chunk = 'x'.repeat(64 * 1024)
    for (let i = 0; i < 64; i++) upload.write(chunk)
    upload.stream.end()
    await until('the request', () => app.calls.length === 1)
    await roundTrips(session)
    // The window of the tunnel and that of the application are full, and there is no other place.
    expect(upload.stream.waitingBytes).toBeGreaterThan(2 * 1024 * 1024)
    app.calls[0]?.stream.resume()
    await until('all of it', () => app.calls[0]?.hasEnded === true)
    expect(app.calls[0]?.body.length).toBe(64 * chunk.length)
    app.calls[0]?.stream.respond({ ':status': 200 }, { endStream: true })
    await upload.over
  })
})

describe('a response', () => {
  test('crosses with head, body and trailers, and the slot is free', async () => {
    const { session, idle } = await serve(({ stream }) => {
      stream.respond(
        { ':status': 200, 'content-type': 'text/plain', 'x-a': ['1', '2'], 'brxy-slots': '1' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'set-cookie': 'no' }))
      stream.end('body')
    })
    const answer = await session.get()
    await idle()
    expect(answer.head).toMatch(
      /^HTTP\/1\.1 200 \r\ncontent-type: text\/plain\r\nx-a: 1\r\nx-a: 2\r\ndate: .*\r\n\r\n$/,
    )
    expect([answer.bodyKind, answer.text, answer.trailers, answer.outcome]).toEqual([
      BODY_UNKNOWN,
      'body',
      'grpc-status: 0\r\n',
      'end',
    ])
  })

  test('may be a head alone, as gRPC fails with trailers only', async () => {
    const { session, idle } = await serve(({ stream }) =>
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
        { endStream: true },
      ),
    )
    const answer = await session.get()
    await idle()
    expect([answer.bodyKind, answer.length, answer.outcome]).toEqual([BODY_NONE, 0, 'end'])
    expect(answer.head).toContain('grpc-status: 5\r\n')
  })

  test('has trailers behind no body, and behind one of known length if they are announced or it is gRPC', async () => {
    const { session } = await serve(({ stream, fields }) => {
      const path = fields[fields.indexOf(':path') + 1]
      const known = path === '/grpc' ? { 'content-type': 'application/grpc+proto' } : { trailer: 'x-sum' }
      stream.respond(
        { ':status': 200, ...(path === '/empty' ? {} : { 'content-length': 4, ...known }) },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
      stream.end(path === '/empty' ? '' : 'body')
    })
    for (const [path, text] of [
      ['/empty', ''],
      ['/grpc', 'body'],
      ['/announced', 'body'],
    ]) {
      const answer = await session.get(path)
      expect([answer.text, answer.trailers, answer.outcome]).toEqual([text, 'x-sum: 1\r\n', 'end'])
    }
  })

  test('declares the length of its body if the application did', async () => {
    const { session } = await serve(({ stream }) => {
      stream.respond({ ':status': 200, 'content-length': 4 })
      stream.end('body')
    })
    const answer = await session.get()
    expect([answer.bodyKind, answer.length, answer.text]).toEqual([BODY_KNOWN, 4, 'body'])
    expect(answer.head).not.toContain('content-length')
  })

  test('to HEAD and 304 announces a length and has no body', async () => {
    const { session, idle } = await serve(({ stream, fields }) => {
      const status = fields[fields.indexOf(':method') + 1] === 'HEAD' ? 200 : 304
      stream.respond({ ':status': status, 'content-length': 44 }, { endStream: true })
    })
    for (const method of ['HEAD', 'GET']) {
      const answer = await session.get('/', { method })
      expect([answer.bodyKind, answer.length, answer.outcome]).toEqual([BODY_NONE, 44, 'end'])
      await idle()
    }
  })

  test('may have interim heads before; 100 is the edge’s to send', async () => {
    const { session } = await serve(({ stream }) => {
      stream.additionalHeaders({ ':status': 100 })
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 })
      stream.end('ok')
    })
    const answer = await session.get()
    expect(answer.heads[0]).toBe('HTTP/1.1 103 \r\nlink: </a>\r\n\r\n')
    expect([answer.heads.length, answer.text]).toEqual([2, 'ok'])
  })

  test('crosses as it comes, in both directions at once', async () => {
    const { session, app, idle } = await serve(({ stream }) => {
      stream.respond({ ':status': 200 })
      stream.on('data', (chunk: Buffer) => stream.write(`<${chunk}>`))
      stream.on('end', () => stream.end('bye'))
    })
    const talk = session.open({ method: 'POST', body: BODY_UNKNOWN })
    talk.write('one')
    await talk.receives('<one>')
    talk.write('two')
    await talk.receives('<two>')
    talk.stream.end()
    await talk.receives('bye')
    await idle()
    expect(app.calls[0]?.hasEnded).toBe(true)
  })

  test('waits for a client that does not read, and is read on when it does', async () => {
    const total = 8 * 1024 * 1024
    const { session, app } = await serve(
      ({ stream, fields }) => {
        stream.respond({ ':status': 200 })
        stream.end(fields.includes('/large') ? Buffer.alloc(total, 'x') : '')
      },
      { concurrency: 2 },
    )
    const answer = session.open({ target: '/large' })
    answer.consumes = false
    await until('as much as the window allows', () => answer.receivedBytes > 0)
    await roundTrips(session)
    // The application cannot get rid of it: it waits there, not here.
    expect(app.calls[0]?.stream.writableLength).toBeGreaterThan(total / 2)
    expect(app.calls[0]?.stream.writableFinished).toBe(false)
    answer.consumes = true
    answer.consume()
    await answer.over
    expect(answer.receivedBytes).toBe(total)
  })

  test('may come before the upload has ended: the upload is stopped', async () => {
    const { session, app, idle } = await serve(({ stream }) => {
      stream.respond({ ':status': 413 })
      stream.end('no')
    })
    const upload = session.open({ method: 'POST', body: BODY_UNKNOWN })
    upload.write('x')
    await upload.over
    await idle()
    expect([upload.status, upload.text]).toEqual([413, 'no'])
    await until('the reset', () => app.calls[0]?.resetCode === 8)
  })
})

describe('a connection', () => {
  test('carries all requests, as many at a time as there are slots', async () => {
    const { session, app, idle } = await serve(() => {}, { concurrency: 8 })
    const answers = Array.from({ length: 8 }, (_, at) => session.open({ target: `/${at}` }))
    await until('all of them', () => app.calls.length === 8)
    for (const { stream, fields } of app.calls) {
      stream.respond({ ':status': 200 })
      stream.end(fields[fields.indexOf(':path') + 1])
    }
    await Promise.all(answers.map(({ over }) => over))
    await idle()
    expect(answers.map(({ text }) => text)).toEqual(answers.map((_, at) => `/${at}`))
    expect(app.sessions.length).toBe(1)
  })

  test('is made anew when it is gone', async () => {
    const { session, app, idle } = await serve(({ stream }) =>
      stream.respond({ ':status': 200 }, { endStream: true }),
    )
    await session.get()
    await idle()
    const closed = new Promise((resolve) => app.sessions[0]?.on('close', resolve))
    app.sessions[0]?.close()
    await closed
    expect((await session.get()).status).toBe(200)
    expect(app.sessions.length).toBe(2)
  })
})
