import { parseCanonicalRequest, RequestHead } from '@brxy/http1'
import { describe, expect, it } from 'vitest'
import { grpcError, isGrpc } from './grpc.ts'

function withType(type: string): RequestHead {
  const bytes = Buffer.from(
    `POST / HTTP/1.1\r\nHost: x\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}\r\n`,
  )
  return parseCanonicalRequest(bytes, 0, bytes.length, new RequestHead())
}

describe('a call of gRPC', () => {
  it.each(['application/grpc', 'application/grpc+proto', 'Application/gRPC;x=y', 'application/grpc ;x=y'])(
    'is known by %s',
    (type) => expect(isGrpc(withType(type))).toBe(true),
  )

  it.each([
    '',
    'application/grpc-web',
    'application/grpc-web+proto',
    'text/application/grpc',
    'application/json',
  ])('is not known by "%s"', (type) => expect(isGrpc(withType(type))).toBe(false))
})

describe('an error in the terms of gRPC', () => {
  it.each([
    ['edge/hold-timeout', 504, '14'],
    ['edge/no-app', 404, '14'],
    ['edge/tunnel-lost', 502, '14'],
    ['edge/http2-malformed', 400, '13'],
    ['http1/bad-target', 400, '13'],
    ['http1/method-not-implemented', 501, '14'],
  ])('has for %s a status and a message of visible ASCII', (code, status, expected) => {
    const fields = grpcError({ code, status }, 'a date')
    expect(fields).toMatchObject({ ':status': 200, date: 'a date', 'grpc-status': expected })
    expect(fields['grpc-message']).toMatch(/^[ -~]+$/)
    expect(fields['grpc-message']).toContain(`(${code})`)
  })
})
