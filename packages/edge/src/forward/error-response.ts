import { FIELD, HTTP1_ERRORS, parseCanonicalRequest, RequestHead } from '@brxy/http1'
import { CLIENT_ERRORS, type ClientErrorInfo } from '../error.ts'
import type { ErrorPages } from './error-pages.ts'
import type { CanonicalHead } from './request-head.ts'

/** One error that the edge answers with. */
export interface ErrorAnswer {
  /** A code of CLIENT_ERRORS or of http1's HTTP1_ERRORS. */
  readonly code: string
  readonly status: number
  /** For `edge/cannot-start`: the class of the problem (`image`, `crashed`, ...). */
  readonly detail?: string | undefined
  readonly retryMs?: number | undefined
}

export interface ErrorShape {
  readonly isHead: boolean
  readonly close: boolean
  /** Said to 1.0 clients only. */
  readonly keepAlive: boolean
  readonly date: string
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/** What a client may know of each class of start failure (`Problem.code` of @brxy/scaler). */
export const PROBLEM_TEXTS: Readonly<Record<string, string>> = {
  image: 'Its image cannot be used.',
  quota: 'A limit of the platform is reached.',
  unschedulable: 'The platform has no room for it.',
  denied: 'The platform does not permit it.',
  invalid: 'Its configuration is not valid.',
  crashed: 'It ended while starting.',
  unavailable: 'The platform is not available, or it took too long to start.',
  other: '',
}

const DEFAULT_RETRY_SECONDS = 1

/**
 * The whole response for an error: Proxy-Status (RFC 9209), problem+json (RFC 9457) or a small page by Accept,
 * never cached, readable by a script of any origin that asked. Nothing of the inside is in it.
 *
 * @param pages the operator's own, for clients that want a page; null: none
 */
export function errorResponse(
  answer: ErrorAnswer,
  request: CanonicalHead,
  shape: ErrorShape,
  pages: ErrorPages | null = null,
): Buffer {
  const info = describeError(answer.code)
  // The class comes from an adapter: one that SCALERS.md does not know must not get into a field.
  const problem =
    answer.detail === undefined || Object.hasOwn(PROBLEM_TEXTS, answer.detail) ? answer.detail : 'other'
  const asked = requestFields(request)
  const reason = REASONS[answer.status] ?? 'Error'
  const detail = problem === undefined ? info.title : `${info.title} ${PROBLEM_TEXTS[problem]}`.trim()
  const requestId = request.requestId || newRequestId()
  const body = asked.wantsHtml
    ? (pages?.page(answer.status, { reason, detail, requestId }) ??
      page(answer.status, reason, detail, requestId))
    : JSON.stringify({
        type: 'about:blank',
        title: reason,
        status: answer.status,
        detail,
        code: answer.code,
        ...(problem === undefined ? {} : { problem }),
        requestId,
      })
  const details = problem === undefined ? answer.code : `${answer.code} ${problem}`
  const lines = [
    `HTTP/1.1 ${answer.status} ${reason}`,
    `Date: ${shape.date}`,
    `Content-Type: ${asked.wantsHtml ? 'text/html; charset=utf-8' : 'application/problem+json'}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `Proxy-Status: brxy; error=${info.proxyError}; details="${details}"`,
  ]
  if (answer.status === 503) {
    lines.push(`Retry-After: ${Math.max(DEFAULT_RETRY_SECONDS, Math.ceil((answer.retryMs ?? 0) / 1000))}`)
  }
  if (asked.origin !== '') lines.push(`Access-Control-Allow-Origin: ${asked.origin}`, 'Vary: Origin')
  if (shape.close) lines.push('Connection: close')
  else if (shape.keepAlive) lines.push('Connection: keep-alive')
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${shape.isHead ? '' : body}`)
}

/** What clients may know of a code: one of the edge's own, or one of http1's. */
export function describeError(code: string): Pick<ClientErrorInfo, 'title' | 'proxyError'> {
  if (Object.hasOwn(CLIENT_ERRORS, code)) return CLIENT_ERRORS[code as keyof typeof CLIENT_ERRORS]
  const http1 = (HTTP1_ERRORS as Record<string, { doc: string } | undefined>)[code]
  return { title: http1?.doc ?? 'The request is not valid.', proxyError: 'http_request_error' }
}

/** Two fields of the request, if its head was good enough to be kept. */
function requestFields(request: CanonicalHead): { wantsHtml: boolean; origin: string } {
  if (request.length === 0) return { wantsHtml: false, origin: '' }
  const head = parseCanonicalRequest(request.buffer, 0, request.length, new RequestHead())
  const accept = head.find(FIELD.ACCEPT)
  const origin = head.find(FIELD.ORIGIN)
  return {
    wantsHtml: accept >= 0 && head.value(accept).includes('text/html'),
    origin: origin < 0 ? '' : head.value(origin),
  }
}

function page(status: number, reason: string, text: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${status} ${reason}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;color-scheme:light dark}</style>
<h1>${status} ${reason}</h1><p>${text}</p><p><small>Request ${requestId}</small></p></html>
`
}

/** For finding the log line of an error; not a secret and not a key. */
function newRequestId(): string {
  return crypto.randomUUID()
}
