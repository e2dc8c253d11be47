import { parseCanonicalResponse, ResponseDecoder, ResponseHead } from '@brxy/http1'
import { describe, expect, it } from 'vitest'
import { translateResponse } from './translate-response.ts'

function parse(lines: string): ResponseHead {
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\n`, 'latin1')
  return parseCanonicalResponse(bytes, 0, bytes.length, new ResponseHead())
}

describe('a response as HTTP/2', () => {
  it('has a status, and fields under lower-case names', () => {
    expect({ ...translateResponse(parse('ETag: "A"\r\nX-Empty:\r\n')) }).toEqual({
      ':status': 200,
      etag: '"A"',
      'x-empty': '',
    })
  })

  it('joins lines of one name, which node:http2 would throw for, but not cookies and challenges', () => {
    const fields = translateResponse(
      parse(
        'Content-Language: de\r\nSet-Cookie: a=1\r\nContent-Language: en\r\nSet-Cookie: b=2\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\n',
      ),
    )
    expect(fields).toMatchObject({
      'content-language': 'de, en',
      'set-cookie': ['a=1', 'b=2'],
      'www-authenticate': ['Basic', 'Digest'],
    })
  })

  it('has no field of a connection and none of framing', () => {
    const decoder = new ResponseDecoder()
    decoder.begin({ method: 'GET' })
    const bytes = Buffer.from(
      'HTTP/1.1 200 OK\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n',
    )
    const seen: object[] = []
    decoder.push(bytes, 0, bytes.length, {
      onHead: (head) => void seen.push({ ...translateResponse(head) }),
      onData() {},
      onTrailers() {},
      onEnd() {},
      onError() {},
    })
    expect(seen).toEqual([{ ':status': 200, x: '1' }])
  })
})
