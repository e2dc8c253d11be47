import { type AppRequestFraming, type RequestHead, roomFor, writeAppRequest } from '@brxy/http1'
import { BODY_NONE, type OpenRequest } from '@brxy/protocol'

const BODY_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

export type AppReuse = 'never' | 'bodyless' | 'safe'

/** Methods that may be sent again when a kept connection turns out to be dead (RFC 9110 9.2.1). */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether the connection may be used again after this request, as far as the request decides: applications that
 * ignore a body of an unusual method would take it for the next request (DESIGN section 4).
 */
export function allowsReuse(reuse: AppReuse, method: string, hasBody: boolean): boolean {
  if (reuse === 'never') return false
  return !hasBody || (reuse === 'safe' && BODY_METHODS.has(method))
}

/** The head that the application gets, in a buffer of its own: it may be sent twice. */
export function encodeAppRequest(head: RequestHead, open: OpenRequest, keepAlive: boolean): Buffer {
  const framing: AppRequestFraming = {
    bodyKind: open.body,
    bodyLength: open.body === BODY_NONE ? 0 : open.length,
    keepAlive,
    teTrailers: head.teTrailers,
  }
  const out = Buffer.allocUnsafe(roomFor(head, null))
  return out.subarray(0, writeAppRequest(head, framing, null, null, out, 0))
}
