import { STATUS_CODES } from 'node:http'
import type { ErrorShape } from './error-response.ts'

/** Statuses without content, whose responses have no Content-Length either (RFC 9110 8.6, 15.4.5). */
const UNFRAMED: ReadonlySet<number> = new Set([204, 304])

/**
 * A whole response of the edge's own with a text that an operator configured.
 * @param status 200 to 599
 * @param body empty for statuses that have no content
 */
export function plainResponse(status: number, body: string, shape: ErrorShape): Buffer {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Date: ${shape.date}`,
    'Cache-Control: no-store',
  ]
  if (body !== '') lines.push('Content-Type: text/plain; charset=utf-8')
  if (!UNFRAMED.has(status)) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  if (shape.close) lines.push('Connection: close')
  else if (shape.keepAlive) lines.push('Connection: keep-alive')
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${shape.isHead ? '' : body}`)
}
