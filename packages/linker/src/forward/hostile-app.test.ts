import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, type Linked, serving } from '../linked.testkit.ts'
import type { RawConnection } from './raw-app.testkit.ts'
import { readRequests } from './wire.testkit.ts'

/*
 * Applications that do what they like, in front of a real linker; and what the linker writes to any of them is read by
 * the strict decoder, in every test here. HTTP.md, "Responses from an application":
 *
 *   every row of the table for responses     here (http1's vectors, over a socket: whole, and byte by byte)
 *   100 swallowed, 1xx forwarded, 101        response.test.ts, upgrade.test.ts; 16 and 17 of them: here
 *   HEAD, 204, 304, 205                      response.test.ts; with bytes that should not be there: here
 *   until close, short, missing last chunk   response.test.ts; after an upload, and each with the next request: here
 *   extra or unsolicited bytes               response.test.ts; a CRLF, a 1xx, in the middle of the next request: here
 *   limits                                   here
 *   early response                           request.test.ts; of all endings, to an upload of each framing: here
 *   reuse                                    reuse.test.ts
 *   TE, trailers, framing of requests        request.test.ts; of any mixture, on kept connections: wire.test.ts
 */

vi.setConfig({ testTimeout: 60_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

const use = closedAfterEach(({ app }) => {
  for (const { received } of app.connections) readRequests(received)
})

/** Answers the first request with these bytes, each later one with "ok", whatever connection it comes on. */
function hostileOnce(answer: (connection: RawConnection) => Promise<void> | void) {
  let count = 0
  return async (connection: RawConnection) => {
    for (let head = await connection.head(); head !== null; head = await connection.head()) {
      if (++count === 1) await answer(connection)
      else connection.write(OK)
    }
  }
}

/** The slot is free, and the next request gets its own answer. */
async function expectUnharmed({ session, idle }: Linked): Promise<void> {
  await idle()
  const next = await session.get('/next')
  expect([next.outcome, next.status, next.text]).toEqual(['end', 200, 'ok'])
}

/** See packages/http1/vectors/README.md. */
interface Vector {
  readonly input: string
  readonly limits?: object
  readonly request?: { readonly method: string; readonly upgrade?: string }
  readonly eof?: true
  readonly events: readonly VectorEvent[]
}
type VectorEvent =
  | 'end'
  | { head: { status: number; interim?: true; closeDelimited?: true } }
  | { data: string }
  | { trailers: [string, string][] }
  | { error: { code: string } }

const rows: { row: string; cases: Vector[] }[] = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('@brxy/http1/vectors/responses.json'), 'utf8'),
)

/** What its edge must hear of a vector. */
function expected({ events }: Vector) {
  const statuses: number[] = []
  let text = ''
  let trailers: [string, string][] = []
  // The application closes after the input, also in those vectors that leave it open.
  let outcome = `reset ${RESET.APP_CLOSED}`
  for (const event of events) {
    if (event === 'end') outcome = 'end'
    else if ('head' in event) {
      if (!(event.head.interim === true && event.head.status === 100)) statuses.push(event.head.status)
      if (event.head.closeDelimited === true) outcome = 'end'
    } else if ('data' in event) text += event.data
    else if ('trailers' in event) trailers = event.trailers
    else if (event.error.code !== 'http1/incomplete') outcome = `reset ${RESET.APP_PROTOCOL}`
  }
  return { statuses, text, trailers: trailers.map(([name]) => name), outcome }
}

describe('every response of the vectors is understood as HTTP.md says, over a socket', () => {
  test.for(
    rows.flatMap(({ row, cases }) => {
      // Limits are the linker's own; upgrades have a test of their own.
      const ours = cases.filter(
        ({ limits, request }) => limits === undefined && request?.upgrade === undefined,
      )
      return [false, true].map((byBytes) => [row, byBytes, ours] as const)
    }),
  )('%s (byte by byte: %s)', async ([, byBytes, cases]) => {
    let vector = cases[0] as Vector
    const one = await use(
      serving(async (connection) => {
        await connection.head()
        for (const piece of byBytes ? vector.input : [vector.input]) {
          connection.write(piece)
          if (byBytes) await new Promise((resolve) => setImmediate(resolve))
        }
        connection.end()
      }),
    )
    for (const [at, next] of cases.entries()) {
      vector = next
      const hint = `case ${at}: ${JSON.stringify(vector.input)}`
      const { statuses, text, trailers, outcome } = expected(vector)
      const answer = await one.session.get('/', { method: vector.request?.method ?? 'GET' })
      expect(answer.outcome, hint).toBe(outcome)
      expect(
        answer.heads.map((head) => Number(head.slice(9, 12))),
        hint,
      ).toEqual(statuses)
      expect(answer.text, hint).toBe(text)
      expect(
        answer.trailers
          .split('\r\n')
          .slice(0, -1)
          .map((line) => line.replace(/:.*/, '')),
        hint,
      ).toEqual(trailers)
      await one.idle()
    }
    expect(one.app.connections.length).toBeGreaterThanOrEqual(cases.length)
  })
})

describe('limits of a response: the last that passes, and the first that does not', () => {
  const head = (fields: string) => `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${fields}\r\n`
  const lines = (count: number) => 'A: b\r\n'.repeat(count)
  const interim = (count: number) => `${'HTTP/1.1 103 Hi\r\n\r\n'.repeat(count)}${head('')}`
  const chunk = (line: string) => `${CHUNKED}${line}\r\na\r\n0\r\n\r\n`

  test.for([
    ['fields', head(lines(255)), head(lines(256))],
    ['bytes of head', head(`A: ${'b'.repeat(57_000)}\r\n`), head(`A: ${'b'.repeat(57_400)}\r\n`)],
    ['interim heads', interim(16), interim(17)],
    ['heads that are 100', interim(16).replaceAll('103', '100'), interim(17).replaceAll('103', '100')],
    ['a hundred interim heads', interim(1), interim(100)],
    ['chunk line', chunk(`1;${'a'.repeat(250)}`), chunk(`1;${'a'.repeat(260)}`)],
    [
      'chunk extensions of a message',
      `${CHUNKED}${`1;${'a'.repeat(199)}\r\na\r\n`.repeat(80)}0\r\n\r\n`,
      `${CHUNKED}${`1;${'a'.repeat(199)}\r\na\r\n`.repeat(83)}0\r\n\r\n`,
    ],
    ['trailer fields', `${CHUNKED}0\r\n${lines(32)}\r\n`, `${CHUNKED}0\r\n${lines(33)}\r\n`],
    [
      'bytes of trailers',
      `${CHUNKED}0\r\nA: ${'b'.repeat(8_100)}\r\n\r\n`,
      `${CHUNKED}0\r\nA: ${'b'.repeat(8_200)}\r\n\r\n`,
    ],
  ])('%s', async ([, fits, exceeds]) => {
    for (const [answer, outcome] of [
      [fits, 'end'],
      [exceeds, `reset ${RESET.APP_PROTOCOL}`],
    ]) {
      const one = await use(serving(hostileOnce((connection) => connection.write(answer))))
      expect((await one.session.get()).outcome).toBe(outcome)
      await expectUnharmed(one)
    }
  })
})

describe('an answer with bytes that should not be there', () => {
  test.for([
    ['a second answer', 'GET', `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
    ['an empty line', 'GET', `${OK}\r\n`],
    ['an interim head behind it', 'GET', `${OK}HTTP/1.1 100 Continue\r\n\r\n`],
    ['a body longer than it says', 'GET', `${OK}k`],
    ['a chunk behind the last', 'GET', `${CHUNKED}2\r\nok\r\n0\r\n\r\n1\r\nx\r\n`],
    ['a body with HEAD', 'HEAD', OK],
    ['chunks with HEAD', 'HEAD', `${CHUNKED}2\r\nok\r\n0\r\n\r\n`],
    ['a body with 204', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil'],
    ['chunks with 204', 'GET', `${CHUNKED.replace('200 OK', '204 No Content')}4\r\nevil\r\n0\r\n\r\n`],
    ['a body with 304', 'GET', `HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil`],
    ['a body with 205', 'GET', 'HTTP/1.1 205 Reset Content\r\n\r\nevil'],
  ])('(%s) is not the answer to the next request', async ([, method, bytes]) => {
    for (const pace of ['at once', 'later'] as const) {
      const cut = bytes.indexOf('\r\n\r\n') + 4
      const one = await use(
        serving(
          hostileOnce(async (connection) => {
            connection.write(pace === 'at once' ? bytes : bytes.slice(0, cut))
            if (pace === 'at once') return
            await new Promise((resolve) => setImmediate(resolve))
            connection.write(bytes.slice(cut))
          }),
          // Idleness is not what ends the connection.
          { poolIdleMs: 30_000 },
        ),
      )
      const answer = await one.session.get('/', { method })
      expect([answer.outcome, answer.text.replace('ok', '')]).toEqual(['end', ''])
      await one.app.connections[0]?.closed()
      await expectUnharmed(one)
      expect(one.app.connections).toHaveLength(2)
    }
  })
})

describe('an application that ends its connection', () => {
  const answers: [string, string, boolean][] = [
    ['in the status line', 'HTTP/1.', false],
    ['in the head', 'HTTP/1.1 200 OK\r\nContent-', false],
    ['after 100', 'HTTP/1.1 100 Continue\r\n\r\n', false],
    ['in a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', false],
    ['in a chunk line', `${CHUNKED}4`, false],
    ['in a chunk', `${CHUNKED}4\r\nha`, false],
    ['in the last chunk', `${CHUNKED}4\r\nhalf\r\n0\r\n`, false],
    ['in trailers', `${CHUNKED}4\r\nhalf\r\n0\r\nA: b\r\n`, false],
    ['after a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf', true],
    ['after its chunks', `${CHUNKED}4\r\nhalf\r\n0\r\n\r\n`, true],
    ['in a body that ends so', 'HTTP/1.1 200 OK\r\n\r\nhalf', true],
  ]
  const uploads = { none: BODY_NONE, known: BODY_KNOWN, chunked: BODY_UNKNOWN } as const

  test.for(
    answers.flatMap(([when, bytes, isWhole]) =>
      (['none', 'known', 'chunked'] as const).map((upload) => [when, upload, bytes, isWhole] as const),
    ),
  )('%s, with the upload (%s) not read, is heard for what it is', async ([, upload, bytes, isWhole]) => {
    const one = await use(serving(hostileOnce((connection) => connection.end(bytes))))
    const answer = one.session.open({
      method: upload === 'none' ? 'GET' : 'POST',
      body: uploads[upload],
      length: upload === 'known' ? 10 : 0,
    })
    // Not all of it, so that the answer is an early one.
    if (upload !== 'none') answer.write('01234')
    await answer.over
    expect(answer.outcome).toBe(isWhole ? 'end' : `reset ${RESET.APP_CLOSED}`)
    if (isWhole) expect([answer.status, answer.text]).toEqual([200, 'half'])
    // An edge stops the upload then; what it has sent meanwhile is nobody's request.
    if (isWhole && upload !== 'none') {
      answer.write('56789')
      if (upload === 'chunked') answer.stream.end()
    }
    await expectUnharmed(one)
    expect(one.app.connections).toHaveLength(2)
  })
})

describe('an early answer to an upload', () => {
  test.for([BODY_KNOWN, BODY_UNKNOWN] as const)(
    '(kind %i) of an application that goes away with the rest of it unread',
    async (body) => {
      const total = 4 * 1024 * 1024
      const one = await use(
        serving(
          hostileOnce(async (connection) => {
            connection.socket.pause()
            connection.write(
              'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
            )
            await until('the answer', () => answer.text === 'no')
            connection.reset()
          }),
        ),
      )
      const answer = one.session.open({ method: 'POST', body, length: body === BODY_KNOWN ? total : 0 })
      for (let at = 0; at < total; at += 65_536) answer.write('x'.repeat(65_536))
      await answer.over
      expect([answer.outcome, answer.status]).toEqual(['end', 413])
      await until('the rest is thrown away', () => answer.stream.waitingBytes === 0)
      await expectUnharmed(one)
    },
  )

  test('that never ends lets the upload go on, and ends with it', async () => {
    const one = await use(
      serving(
        hostileOnce(async (connection) => {
          connection.write(CHUNKED)
          const body = await connection.bytes(5)
          connection.write(`5\r\n${body}\r\n0\r\n\r\n`)
        }),
      ),
    )
    const answer = one.session.open({ method: 'POST', body: BODY_KNOWN, length: 5 })
    await until('the head', () => answer.head !== '')
    for (const letter of 'hello') answer.write(letter)
    await answer.over
    expect([answer.outcome, answer.text]).toEqual(['end', 'hello'])
    await expectUnharmed(one)
    // The answer began before the request had been written: the connection is not clean.
    expect(one.app.connections).toHaveLength(2)
  })
})
