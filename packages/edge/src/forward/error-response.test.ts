import { RequestDecoder, type RequestHead } from '@brxy/http1'
import { describe, expect, it } from 'vitest'
import { CLIENT_ERRORS } from '../error.ts'
import { ErrorPages } from './error-pages.ts'
import { errorResponse } from './error-response.ts'
import { Forwarded } from './forwarded.ts'
import { CanonicalHead } from './request-head.ts'

const SHAPE = { isHead: false, close: false, keepAlive: false, date: 'now' }
const FORWARDED = new Forwarded({
  peerAddress: '127.0.0.1',
  scheme: 'http',
  isTrusted: false,
  pseudonym: 'brxy-test',
})
const EMPTY = new CanonicalHead(FORWARDED)

/** A request with such fields. */
function requestWith(fields: string): CanonicalHead {
  const canonical = new CanonicalHead(FORWARDED)
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`)
  new RequestDecoder().push(bytes, 0, bytes.length, {
    onHead: (head: RequestHead) => void canonical.write(head, ''),
    onData() {},
    onTrailers() {},
    onEnd() {},
    onError(error) {
      throw error
    },
  })
  return canonical
}

const text = (answer: Parameters<typeof errorResponse>[0], request = EMPTY) =>
  errorResponse(answer, request, SHAPE).toString()

describe('errorResponse', () => {
  it('has the length of its body in bytes', () => {
    for (const accept of ['*/*', 'text/html']) {
      const [head, body] = text(
        { code: 'edge/no-app', status: 404 },
        requestWith(`Accept: ${accept}\r\n`),
      ).split('\r\n\r\n')
      expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`)
    }
  })

  it('gives the class of a start problem, in fixed text', () => {
    const answer = text({ code: 'edge/cannot-start', status: 503, detail: 'crashed', retryMs: 3_200 })
    expect(answer).toMatch(/details="edge\/cannot-start crashed"\r\nRetry-After: 4\r\n/)
    expect(JSON.parse(answer.split('\r\n\r\n')[1])).toMatchObject({
      code: 'edge/cannot-start',
      problem: 'crashed',
      detail: 'The application cannot be started at the moment. It ended while starting.',
    })
  })

  it('lets nothing that an adapter made up into a field', () => {
    const answer = text({ code: 'edge/cannot-start', status: 503, detail: 'x"\r\nSet-Cookie: a=b' })
    expect(answer).not.toMatch(/set-cookie/i)
    expect(answer).toContain('details="edge/cannot-start other"')
  })

  it('knows a status line for each error there is', () => {
    for (const [code, { status }] of Object.entries(CLIENT_ERRORS)) {
      expect(text({ code, status })).toMatch(new RegExp(`^HTTP/1.1 ${status} (?!Error\r)[A-Z]`))
    }
  })

  it('says the same of codes of http1', () => {
    const answer = text({ code: 'http1/bad-host', status: 400 })
    expect(answer).toMatch(
      /^HTTP\/1.1 400 Bad Request\r\n[\s\S]*error=http_request_error; details="http1\/bad-host"/,
    )
  })

  it("fills in the operator's page for clients that want one", () => {
    const pages = new ErrorPages(
      new Map([['404', '<p>{{status}} {{reason}} {{detail}} {{requestId}} ü</p>']]),
    )
    const answer = { code: 'edge/no-app', status: 404 }
    const response = errorResponse(answer, requestWith('Accept: text/html\r\n'), SHAPE, pages).toString()
    const [head, body] = response.split('\r\n\r\n')
    const { title } = CLIENT_ERRORS['edge/no-app']
    expect(body).toMatch(/^<p>404 Not Found .* [0-9a-f-]{36} ü<\/p>$/)
    expect(body).toContain(title)
    const own = text(answer, requestWith('Accept: text/html\r\n')).split('\r\n\r\n')[0]
    const length = /Content-Length: \d+/
    expect(head.replace(length, '')).toBe(own.replace(length, ''))
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}\r\n`)
  })

  it('has its own page where the operator has none, and never a page for other clients', () => {
    const pages = new ErrorPages(new Map([['5xx', 'operator']]))
    const made = (status: number, code: string, accept: string) =>
      errorResponse({ code, status }, requestWith(`Accept: ${accept}\r\n`), SHAPE, pages).toString()
    expect(made(404, 'edge/no-app', 'text/html')).toContain('<h1>404 Not Found</h1>')
    expect(made(503, 'edge/hold-full', 'text/html')).toMatch(/\r\n\r\noperator$/)
    expect(made(503, 'edge/hold-full', '*/*')).toContain('"code":"edge/hold-full"')
  })

  it('gives each answer an id of its own', () => {
    const ids = [1, 2].map(() => JSON.parse(text({ code: 'edge/no-app', status: 404 }).split('\r\n\r\n')[1]))
    expect(ids[0].requestId).not.toBe(ids[1].requestId)
  })
})
