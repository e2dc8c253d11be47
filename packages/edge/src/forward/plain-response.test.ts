import { expect, it } from 'vitest'
import { plainResponse } from './plain-response.ts'

const SHAPE = { isHead: false, close: false, keepAlive: false, date: 'now' }

it.each([
  [200, 'ü', 'HTTP/1.1 200 OK\r\n', 'Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nü'],
  [200, '', 'HTTP/1.1 200 OK\r\n', 'Content-Length: 0\r\n\r\n'],
  [204, '', 'HTTP/1.1 204 No Content\r\n', '\r\n'],
  [205, '', 'HTTP/1.1 205 Reset Content\r\n', 'Content-Length: 0\r\n\r\n'],
  [304, '', 'HTTP/1.1 304 Not Modified\r\n', '\r\n'],
  [599, '', 'HTTP/1.1 599 \r\n', 'Content-Length: 0\r\n\r\n'],
])('frames a response with status %i and body "%s"', (status, body, line, rest) => {
  const text = plainResponse(status, body, SHAPE).toString()
  expect(text).toBe(`${line}Date: now\r\nCache-Control: no-store\r\n${rest}`)
})

it('says what becomes of the connection, and has no body for HEAD', () => {
  const closing = plainResponse(200, 'x', { ...SHAPE, close: true, isHead: true }).toString()
  expect(closing).toMatch(/\r\nContent-Length: 1\r\nConnection: close\r\n\r\n$/)
  const kept = plainResponse(200, 'x', { ...SHAPE, keepAlive: true }).toString()
  expect(kept).toMatch(/\r\nConnection: keep-alive\r\n\r\nx$/)
})
