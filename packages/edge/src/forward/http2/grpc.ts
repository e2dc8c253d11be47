import type { OutgoingHttpHeaders } from 'node:http2'
import { FIELD, type RequestHead } from '@brxy/http1'
import { describeError, type ErrorAnswer } from '../error-response.ts'

/** Codes of gRPC (doc/statuscodes.md). */
const GRPC_INTERNAL = 13
const GRPC_UNAVAILABLE = 14

const CONTENT_TYPE = /^application\/grpc(?:$|[+; \t])/i

/** Whether a request is a call of gRPC (not of gRPC-Web, which is ordinary HTTP). */
export function isGrpc(head: RequestHead): boolean {
  const at = head.find(FIELD.CONTENT_TYPE)
  return at !== -1 && CONTENT_TYPE.test(head.value(at))
}

/**
 * An error of the edge as gRPC has it: 200, and nothing but fields (doc/PROTOCOL-HTTP2.md, "Trailers-Only"). What
 * another attempt may cure is UNAVAILABLE, as a client does not try anything else again; a request that is malformed is
 * INTERNAL, as gRPC reads 400.
 */
export function grpcError(answer: ErrorAnswer, date: string): OutgoingHttpHeaders {
  const { title, proxyError } = describeError(answer.code)
  const isMalformed = answer.status < 500 && answer.status !== 404 && answer.status !== 408
  return {
    ':status': 200,
    date,
    'content-type': 'application/grpc',
    'grpc-status': String(isMalformed ? GRPC_INTERNAL : GRPC_UNAVAILABLE),
    'grpc-message': percentEncode(`${title} (${answer.code})`),
    'proxy-status': `brxy; error=${proxyError}; details="${answer.code}"`,
  }
}

/** Visible ASCII and spaces stay, `%` and all other bytes are percent-encoded (doc/PROTOCOL-HTTP2.md, "Status-Message"). */
function percentEncode(text: string): string {
  return text.replace(/[^ -$&-~]/gu, (character) => encodeURIComponent(character))
}
