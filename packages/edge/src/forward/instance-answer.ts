import { BODY_NONE, type BodyKind, Http1Error, parseCanonicalResponse, type ResponseHead } from '@brxy/http1'
import { RESET } from '@brxy/protocol'
import type { ClientErrorCode } from '../error.ts'

/** Statuses whose responses have no content (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Reads a response head that came for a request. One that is canonical may still be one that this request cannot have.
 * @param head filled
 * @param method of the request
 * @throws Http1Error, 502
 */
export function parseAnswer(
  head: ResponseHead,
  method: string,
  interim: boolean,
  body: BodyKind,
  buffer: Buffer,
  from: number,
  to: number,
): void {
  parseCanonicalResponse(buffer, from, to, head)
  const isBodyless = method === 'HEAD' || BODYLESS.has(head.status)
  // A body that the client does not expect would be read as the next response (RFC 9112 6.3).
  if (interim !== head.interim || head.upgrade || (isBodyless && body !== BODY_NONE)) {
    throw new Http1Error('http1/not-canonical', 0, 502)
  }
}

/** What the client is told about a RESET before the response head. */
export function resetError(code: number): ClientErrorCode {
  return RESET_ERRORS[code] ?? 'edge/app-closed'
}

const RESET_ERRORS: Readonly<Record<number, ClientErrorCode>> = {
  [RESET.BODY_LENGTH]: 'edge/app-incomplete',
  [RESET.APP_CLOSED]: 'edge/app-closed',
  [RESET.APP_PROTOCOL]: 'edge/app-protocol',
  [RESET.BAD_HEAD]: 'edge/app-protocol',
  [RESET.TIMEOUT]: 'edge/response-timeout',
}
