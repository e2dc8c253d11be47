import {
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  FIELD,
  Http1Error,
  parseCanonicalRequest,
  parseCanonicalResponse,
  RequestHead,
  type ResponseHead,
  websocketAccept,
} from '@brxy/http1'
import { RESET } from '@brxy/protocol'
import type { ClientErrorCode } from '../error.ts'
import type { CanonicalHead } from './request-head.ts'

/** Statuses whose responses have no content (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Reads a response head that came for a request. One that is canonical may still be one that this request cannot have.
 * @param head filled
 * @param method of the request
 * @param isUpgrade whether the request asked for another protocol, so that 101 may come; see {@link isSwitchFor}
 * @throws Http1Error, 502
 */
export function parseAnswer(
  head: ResponseHead,
  method: string,
  isUpgrade: boolean,
  interim: boolean,
  body: BodyKind,
  buffer: Buffer,
  from: number,
  to: number,
): void {
  parseCanonicalResponse(buffer, from, to, head)
  const isBodyless = method === 'HEAD' || BODYLESS.has(head.status)
  // A body that the client does not expect would be read as the next response (RFC 9112 6.3).
  const isUnasked = head.upgrade && !(isUpgrade && body === BODY_UNKNOWN)
  if (interim !== head.interim || isUnasked || (isBodyless && body !== BODY_NONE)) {
    throw new Http1Error('http1/not-canonical', 0, 502)
  }
}

/**
 * Whether a 101 answers this request, for a linker is not believed (RFC 6455 4.1). Of another protocol
 * only the name is known, which no canonical response has: the linker has compared it, and the edge writes the one that
 * was asked for.
 */
export function isSwitchFor(head: ResponseHead, protocol: string, request: CanonicalHead): boolean {
  if (protocol !== 'websocket') return true
  const asked = parseCanonicalRequest(request.buffer, 0, request.length, new RequestHead())
  const keyAt = asked.find(FIELD.SEC_WEBSOCKET_KEY)
  if (keyAt === -1) return true
  const at = head.find(FIELD.SEC_WEBSOCKET_ACCEPT)
  return at !== -1 && head.next(at) === -1 && head.value(at) === websocketAccept(asked.value(keyAt))
}

/**
 * What the client is told about a RESET before the response head.
 * @param isUpgrade a linker that gets a wrong 101 says that it is no HTTP
 */
export function resetError(code: number, isUpgrade = false): ClientErrorCode {
  if (isUpgrade && code === RESET.APP_PROTOCOL) return 'edge/upgrade-failed'
  return RESET_ERRORS[code] ?? 'edge/app-closed'
}

const RESET_ERRORS: Readonly<Record<number, ClientErrorCode>> = {
  [RESET.BODY_LENGTH]: 'edge/app-incomplete',
  [RESET.APP_CLOSED]: 'edge/app-closed',
  [RESET.APP_PROTOCOL]: 'edge/app-protocol',
  [RESET.BAD_HEAD]: 'edge/app-protocol',
  [RESET.TIMEOUT]: 'edge/response-timeout',
}
