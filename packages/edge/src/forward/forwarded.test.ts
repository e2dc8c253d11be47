import { RequestDecoder, type RequestHead } from '@brxy/http1'
import { describe, expect, it } from 'vitest'
import { Forwarded } from './forwarded.ts'
import { CanonicalHead } from './request-head.ts'

const VIA = { peerAddress: '192.0.2.7', scheme: 'https', isTrusted: false, pseudonym: 'brxy-e1' } as const
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/

/** What an application gets to see of a request with these fields, as lines. */
function seen(forwarded: Forwarded, fields: string, stripped = '', target = '/'): string[] {
  const canonical = new CanonicalHead(forwarded)
  let lines: string[] = []
  const onHead = (head: RequestHead) => {
    expect(canonical.write(head, stripped)).toBe(true)
    lines = canonical.buffer.toString('latin1', 0, canonical.length).split('\r\n')
  }
  const request = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: shop.test:8080\r\n${fields}\r\n`, 'latin1')
  const sink = {
    onHead,
    onData() {},
    onTrailers() {},
    onEnd() {},
    onError(error: Error) {
      throw error
    },
  }
  new RequestDecoder().push(request, 0, request.length, sink)
  return lines.filter((line) => line !== '')
}

const valuesOf = (lines: string[], name: string) =>
  lines
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))
    .map((line) => line.slice(name.length + 2))

describe('a request of an unknown client', () => {
  const CLAIMS =
    'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Request-Id: mine\r\n'

  it('tells the application what the edge knows, and nothing of what the client claims', () => {
    const forwarded = new Forwarded(VIA)
    const lines = seen(forwarded, CLAIMS)
    expect(lines.join('\n')).not.toMatch(/evil|6\.6\.6\.6|mine/)
    expect(valuesOf(lines, 'X-Forwarded-For')).toEqual(['192.0.2.7'])
    expect(valuesOf(lines, 'X-Forwarded-Proto')).toEqual(['https'])
    expect(valuesOf(lines, 'X-Forwarded-Host')).toEqual(['shop.test:8080'])
    expect(valuesOf(lines, 'Via')).toEqual(['1.1 brxy-e1'])
    expect(valuesOf(lines, 'X-Request-Id')).toEqual([forwarded.requestId])
    expect(forwarded.requestId).toMatch(UUID)
  })

  it('has an id of its own each time, and a trace with the same id that nobody is asked to record', () => {
    const forwarded = new Forwarded(VIA)
    const ids = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const lines = seen(forwarded, '')
      const id = forwarded.requestId.replaceAll('-', '')
      expect(valuesOf(lines, 'traceparent')).toEqual([
        expect.stringMatching(new RegExp(`^00-${id}-[0-9a-f]{16}-00$`)),
      ])
      ids.add(id)
    }
    expect(ids.size).toBe(3)
  })

  it('keeps the trace that it belongs to', () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const forwarded = new Forwarded(VIA)
    for (const fields of ['', `traceparent: ${trace}\r\ntracestate: a=1\r\n`, '']) {
      const lines = seen(forwarded, fields)
      expect(valuesOf(lines, 'traceparent')).toHaveLength(1)
      if (fields !== '') {
        expect(valuesOf(lines, 'traceparent')).toEqual([trace])
        expect(valuesOf(lines, 'tracestate')).toEqual(['a=1'])
      }
    }
  })

  it('says which prefix was taken off', () => {
    const forwarded = new Forwarded(VIA)
    expect(seen(forwarded, '', '/api', '/api/x?q')[0]).toBe('GET /x?q HTTP/1.1')
    expect(valuesOf(seen(forwarded, '', '/api', '/api'), 'X-Forwarded-Prefix')).toEqual(['/api'])
    expect(valuesOf(seen(forwarded, ''), 'X-Forwarded-Prefix')).toEqual([])
  })
})

describe('a request of a trusted proxy', () => {
  const trusted = () => new Forwarded({ ...VIA, isTrusted: true })

  it('keeps what the proxy says, with this hop added', () => {
    const lines = seen(
      trusted(),
      'X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: outer\r\nX-Forwarded-Port: 80\r\nX-Real-IP: 203.0.113.1\r\nForwarded: for=203.0.113.1\r\nX-Request-Id: outer-1\r\n',
    )
    expect(valuesOf(lines, 'X-Forwarded-For')).toEqual(['203.0.113.1, 10.0.0.1, 192.0.2.7'])
    expect(valuesOf(lines, 'X-Forwarded-Proto')).toEqual(['http'])
    expect(valuesOf(lines, 'X-Forwarded-Host')).toEqual(['outer'])
    expect(valuesOf(lines, 'X-Forwarded-Port')).toEqual(['80'])
    expect(valuesOf(lines, 'X-Real-IP')).toEqual(['203.0.113.1'])
    expect(valuesOf(lines, 'Forwarded')).toEqual([
      'for=203.0.113.1',
      'for=192.0.2.7;host="shop.test:8080";proto=https',
    ])
    expect(valuesOf(lines, 'X-Request-Id')).toEqual(['outer-1'])
  })

  it('gets what the proxy did not say', () => {
    const forwarded = trusted()
    const lines = seen(forwarded, '')
    expect(valuesOf(lines, 'X-Forwarded-For')).toEqual(['192.0.2.7'])
    expect(valuesOf(lines, 'X-Forwarded-Proto')).toEqual(['https'])
    expect(valuesOf(lines, 'X-Forwarded-Host')).toEqual(['shop.test:8080'])
    expect(valuesOf(lines, 'Forwarded')).toEqual([])
    expect(valuesOf(lines, 'X-Request-Id')).toEqual([forwarded.requestId])
  })

  it.each([
    ['two', 'X-Request-Id: a\r\nX-Request-Id: b\r\n'],
    ['none in it', 'X-Request-Id:\r\n'],
    ['one too long', `X-Request-Id: ${'a'.repeat(201)}\r\n`],
  ])('gets one id instead of %s', (_, fields) => {
    const lines = seen(trusted(), fields)
    expect(valuesOf(lines, 'X-Request-Id')).toEqual([expect.stringMatching(UUID)])
    expect(lines.filter((line) => /^x-request-id/i.test(line))).toHaveLength(1)
  })

  it('names an IPv6 peer as RFC 7239 wants it', () => {
    const forwarded = new Forwarded({ ...VIA, peerAddress: '2001:db8::1', isTrusted: true })
    expect(valuesOf(seen(forwarded, 'Forwarded: for=unknown\r\n'), 'Forwarded')[1]).toMatch(
      /^for="\[2001:db8::1\]";/,
    )
  })
})

describe('a loop', () => {
  it.each([
    ['1.1 brxy-e1', true],
    ['1.0 other, 1.1 brxy-e1 (comment)', true],
    ['1.1 brxy-e2', false],
    ['1.1 brxy-e11', false],
    ['1.1 brxy', false],
  ])('is seen in Via: %s', (value, expected) => {
    const forwarded = new Forwarded(VIA)
    let isLoop: boolean | undefined
    const sink = {
      onHead: (head: RequestHead) => {
        isLoop = forwarded.isLoop(head)
      },
      onData() {},
      onTrailers() {},
      onEnd() {},
      onError() {},
    }
    const request = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 first\r\nVia: ${value}\r\n\r\n`)
    new RequestDecoder().push(request, 0, request.length, sink)
    expect(isLoop).toBe(expected)
  })
})
