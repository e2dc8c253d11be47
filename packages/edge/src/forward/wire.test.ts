import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN } from '@brxy/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { ScriptedLinker, ScriptedRequest } from '../linker.testkit.ts'
import { readAnswers, readAsked, WireClient } from './wire.testkit.ts'

/*
 * What the edge writes to clients is read by the strict decoder: for every row of HTTP.md's table (by the vectors of
 * http1, each over a socket), and for whatever mixture of requests and answers chance makes.
 */

vi.setConfig({ testTimeout: 60_000 })

/** See packages/http1/vectors/README.md. */
interface Vector {
  readonly name: string
  readonly input: string
  readonly limits?: object
  readonly eof?: true
  readonly events: readonly VectorEvent[]
}
type VectorEvent =
  | 'end'
  | { head: { method: string; target: string; host: string; expectContinue?: true; keepAlive: boolean } }
  | { data: string }
  | { trailers: [string, string][] }
  | { error: { code: string; status: number } }

const rows: { row: string; cases: Vector[] }[] = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('@brxy/http1/vectors/requests.json'), 'utf8'),
)

let edge: TestEdge
let linker: ScriptedLinker
beforeAll(async () => {
  // One app, whatever the host; and one of the vectors is the preface of HTTP/2.
  const listen = [{ bind: '127.0.0.1:0', http2: false }]
  edge = await TestEdge.start({ listen, apps: { shop: { hosts: ['*'] } } })
  linker = await edge.linker({ slots: 64 })
})
afterAll(() => edge.close())

describe('every request of the vectors gets the answer that HTTP.md says, over a socket', () => {
  it.each(rows.map(({ row, cases }) => [row, cases] as const))('%s', async (_, cases) => {
    const checked = await Promise.all(cases.filter(isOfTheEdge).map(check))
    expect(checked.length).toBeGreaterThan(0)
  })
})

/** An edge has limits of its own. */
function isOfTheEdge({ limits }: Vector): boolean {
  return limits === undefined
}

async function check(vector: Vector): Promise<void> {
  const error = vector.events.find((event) => typeof event === 'object' && 'error' in event)
  const client = new WireClient(edge.port)
  const hint = JSON.stringify(vector.input)
  try {
    client.send(vector.input)
    if (typeof error === 'object' && 'error' in error && !vector.eof)
      await expectRefusal(client, error.error, hint)
    else if (vector.events.includes('end')) await expectForwarded(client, vector, hint)
    else {
      // Not a whole request: nobody is told anything.
      client.finish()
      await client.ended()
      expect(client.answers(), hint).toEqual([])
    }
  } finally {
    client.close()
  }
}

async function expectRefusal(
  client: WireClient,
  error: { code: string; status: number },
  hint: string,
): Promise<void> {
  await client.ended()
  const [answer, ...more] = client.answers()
  expect([answer?.status, answer?.keepAlive, answer?.isComplete, more], hint).toEqual([
    error.status,
    false,
    true,
    [],
  ])
  const status = answer.fields.find(([name]) => name === 'Proxy-Status')?.[1]
  expect(status, hint).toBe(`brxy; error=http_request_error; details="${error.code}"`)
  expect(client.end, hint).toBe('fin')
}

async function expectForwarded(client: WireClient, vector: Vector, hint: string): Promise<void> {
  let head: Extract<VectorEvent, { head: unknown }>['head'] | undefined
  let body = ''
  let trailers: [string, string][] = []
  for (const event of vector.events) {
    if (event === 'end') continue
    if ('head' in event) head = event.head
    else if ('data' in event) body += event.data
    else if ('trailers' in event) trailers = event.trailers
  }
  if (head === undefined) throw new Error(`no head: ${hint}`)
  if (head.host === '') {
    // Only an HTTP/1.0 client may leave it out, and no app is the default one.
    await client.ended()
    expect(client.answers()[0]?.status, hint).toBe(400)
    return
  }
  const start = `${head.method} ${head.target} HTTP/1.1\r\n`
  const lines = trailers.map(([name, value]) => `${name}: ${value}`)
  const isOurs = (request: ScriptedRequest) =>
    !taken.has(request) &&
    request.head.startsWith(start) &&
    (request.ended || request.bodyKind === BODY_NONE || isUpgrade(request)) &&
    request.body.toString('latin1') === body &&
    linesOf(request.trailers).join() === lines.join()
  const request = await eventually(hint, () => {
    const found = linker.requests.find(isOurs)
    if (found !== undefined) taken.add(found)
    return found
  })
  expect(request.head, hint).not.toMatch(
    /^(content-length|transfer-encoding|expect|keep-alive|proxy-(?!status).*):/im,
  )
  request.respond(head.method === 'HEAD' ? '' : 'ok')
  const answers = await client.answered(1)
  expect(answers[0].status, hint).toBe(200)
}

/** Cases of a row run at once. Those that are the same to the application get each other's answers, also the same. */
const taken = new Set<ScriptedRequest>()

/** Field lines without the white space around values, which is nobody's. */
function linesOf(trailers: string): string[] {
  return trailers
    .split('\r\n')
    .slice(0, -1)
    .map((line) => line.replace(/:[ \t]*(.*?)[ \t]*$/, ': $1'))
}

/** Its direction is opaque: it has no end of its own. */
function isUpgrade({ head }: ScriptedRequest): boolean {
  return /^upgrade:/im.test(head)
}

/** One request and its answer, both legal; what is in them is chance. */
const exchange = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'PROPFIND', 'OPTIONS'),
  version: fc.constantFrom(0, 1, 1, 1),
  keepAlive: fc.constantFrom(true, true, true, false),
  te: fc.boolean(),
  expect: fc.boolean(),
  upload: fc.constantFrom(-1, -1, 0, 1, 7, 5_000, 70_000),
  isChunked: fc.boolean(),
  status: fc.constantFrom(200, 200, 200, 201, 204, 205, 304, 404, 500),
  interim: fc.array(fc.constantFrom(100, 102, 103), { maxLength: 3 }),
  download: fc.constantFrom(0, 1, 4_096, 4_097, 20_000, 150_000),
  isKnown: fc.boolean(),
  pieces: fc.integer({ min: 1, max: 5 }),
  trailers: fc.constantFrom('', 'X-Sum: 1\r\n', 'X-Sum: 1\r\nX-Sum: 2\r\n'),
})
type Shape = typeof exchange extends fc.Arbitrary<infer T> ? T : never

function requestBytes(shape: Shape, at: number): string {
  const { method, version, keepAlive, te, isChunked } = shape
  const fields = [`${method} /${at} HTTP/1.${version}`, 'Host: shop']
  const options = [...(te ? ['TE'] : [])]
  if (te) fields.push('TE: trailers')
  if (!keepAlive) options.push('close')
  else if (version === 0) options.push('keep-alive')
  if (options.length > 0) fields.push(`Connection: ${options.join(', ')}`)
  const upload = method === 'POST' ? Math.max(0, shape.upload) : -1
  if (upload < 0) return `${fields.join('\r\n')}\r\n\r\n`
  if (shape.expect) fields.push('Expect: 100-continue')
  const body = 'u'.repeat(upload)
  if (version === 0 || !isChunked)
    return `${[...fields, `Content-Length: ${upload}`].join('\r\n')}\r\n\r\n${body}`
  const chunks = upload === 0 ? '' : `${upload.toString(16)}\r\n${body}\r\n`
  return `${[...fields, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n${chunks}0\r\n\r\n`
}

/** Whether the answer may have a body. */
const hasBody = ({ method, status }: Shape) => method !== 'HEAD' && ![204, 205, 304].includes(status)

function answer(request: ScriptedRequest, shape: Shape): void {
  for (const status of shape.interim) request.interim(`HTTP/1.1 ${status} Soon\r\n\r\n`)
  const head = `HTTP/1.1 ${shape.status} So\r\nX-A: b\r\n\r\n`
  if (!hasBody(shape) || shape.download === 0) {
    const announces = shape.method === 'HEAD' || shape.status === 304
    request.sendHead(head, BODY_NONE, announces ? shape.download : 0)
    return request.done()
  }
  request.sendHead(head, shape.isKnown ? BODY_KNOWN : BODY_UNKNOWN, shape.isKnown ? shape.download : 0)
  const size = Math.ceil(shape.download / shape.pieces)
  for (let sent = 0; sent < shape.download; sent += size)
    request.write('d'.repeat(Math.min(size, shape.download - sent)))
  if (shape.isKnown) request.done()
  else request.finish(shape.trailers)
}

it('whatever is asked and answered, in whatever order, a strict client understands it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 4 }), async (shapes) => {
      const before = linker.requests.length
      const client = new WireClient(edge.port)
      try {
        for (const [at, shape] of shapes.entries()) client.send(requestBytes(shape, at))
        let answered = 0
        for (const shape of shapes) {
          const request = await eventually('the next request', () => linker.requests[before + answered])
          await poll(() => request.ended || request.bodyKind === BODY_NONE).toBe(true)
          expect(request.bodyBytes).toBe(shape.method === 'POST' ? Math.max(0, shape.upload) : 0)
          answer(request, shape)
          answered++
          const answers = await client.answered(answered)
          const last = answers.at(-1)
          expect(last?.status).toBe(shape.status)
          expect(last?.body.length).toBe(hasBody(shape) ? shape.download : 0)
          if (last?.keepAlive === false) break
        }
        const isClosed = client.answers().at(-1)?.keepAlive === false
        if (!isClosed) client.finish()
        await client.ended()
        expect([client.end, client.answers().length, linker.requests.length - before]).toEqual([
          'fin',
          answered,
          answered,
        ])
      } finally {
        client.close()
      }
    }),
    { numRuns: 60 },
  )
})

describe('the reader of these tests', () => {
  const asked = (text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n') => readAsked(Buffer.from(text, 'latin1'))
  const read = (text: string, request?: string) =>
    readAnswers(Buffer.from(text, 'latin1'), asked(request), 'fin')
  const DATE = 'Date: x\r\n'
  const OLD = 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'

  it.each([
    ['no Date', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', undefined],
    ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${DATE}Content-Length: 0\r\n\r\n`, undefined],
    ['a second answer', `HTTP/1.1 204 No\r\n${DATE}\r\n`.repeat(3), undefined],
    [
      'a body with HEAD',
      `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 1\r\n\r\nx`,
      'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
    ['the end as the end, for 1.1', `HTTP/1.1 200 OK\r\n${DATE}\r\nx`, undefined],
    ['chunks for 1.0', `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, OLD],
    [
      '1xx for 1.0',
      `HTTP/1.1 103 Hi\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n${DATE}Content-Length: 0\r\n\r\n`,
      OLD,
    ],
    [
      'trailers nobody wants',
      `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n`,
      undefined,
    ],
    [
      'what is kept though it shall close',
      `HTTP/1.1 204 No\r\n${DATE}\r\n`,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    ],
    [
      'what is kept though the upload goes on',
      `HTTP/1.1 204 No\r\n${DATE}\r\n`,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n',
    ],
    ['bytes behind the last', `HTTP/1.1 204 No\r\nConnection: close\r\n${DATE}\r\nHTTP/1.1`, undefined],
    ['a length with 204', `HTTP/1.1 204 No\r\nContent-Length: 0\r\n${DATE}\r\n`, undefined],
  ])('refuses %s', (_, text, request) => {
    expect(() => read(text, request)).toThrow()
  })

  it('tells a whole answer from one that was cut', () => {
    const text = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n`
    expect(read(text)).toMatchObject([{ body: 'x', isComplete: false }])
    expect(read(`${text}0\r\n\r\n`)).toMatchObject([{ body: 'x', isComplete: true }])
    const untilClose = Buffer.from(`HTTP/1.1 200 OK\r\nConnection: close\r\n${DATE}\r\nx`)
    expect(readAnswers(untilClose, asked(OLD), 'fin')).toMatchObject([{ isComplete: true }])
    expect(readAnswers(untilClose, asked(OLD), 'reset')).toMatchObject([{ isComplete: false }])
  })
})
