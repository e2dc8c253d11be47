import {
  type AppRequestFraming,
  type ExpectedResponse,
  FIELD,
  type RequestHead,
  roomFor,
  writeAppRequest,
} from '@brxy/http1'
import { BODY_NONE, BODY_UNKNOWN, OPEN_UPGRADE, type OpenRequest } from '@brxy/protocol'

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

/**
 * The protocol that an OPEN asks to switch to; '' for an ordinary request.
 * @throws Http1Error `http1/not-canonical` for an upgrade that names none, or is not open-ended
 */
export function upgradeOf(head: RequestHead, open: OpenRequest): string {
  if ((open.bits & OPEN_UPGRADE) === 0) return ''
  if (head.upgrade === '') throw head.fault('http1/not-canonical', head.start, 'an upgrade to nothing')
  if (open.body !== BODY_UNKNOWN)
    throw head.fault('http1/not-canonical', head.start, 'an upgrade of known length')
  return head.upgrade
}

/** What the response is held against. */
export function expectedResponse(head: RequestHead, upgrade: string): ExpectedResponse {
  const { method } = head
  if (upgrade === '') return { method }
  const keyAt = upgrade === 'websocket' ? head.find(FIELD.SEC_WEBSOCKET_KEY) : -1
  return keyAt === -1 ? { method, upgrade } : { method, upgrade, websocketKey: head.value(keyAt) }
}

/**
 * The head that the application gets, in a buffer of its own: it may be sent twice.
 * @param upgrade protocol to ask for: the request has no body, what follows a 101 is none; '': none
 */
export function encodeAppRequest(
  head: RequestHead,
  open: OpenRequest,
  upgrade: string,
  keepAlive: boolean,
): Buffer {
  const bodyKind = upgrade === '' ? open.body : BODY_NONE
  const framing: AppRequestFraming = {
    bodyKind,
    bodyLength: bodyKind === BODY_NONE ? 0 : open.length,
    keepAlive,
    upgrade,
    teTrailers: head.teTrailers,
  }
  const out = Buffer.allocUnsafe(roomFor(head, null) + upgrade.length)
  return out.subarray(0, writeAppRequest(head, framing, null, null, out, 0))
}
