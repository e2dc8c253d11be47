import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isBrxyError } from '@brxy/protocol'
import { messageOf } from '../message-of.ts'
import type { Status } from './status.ts'

/** What the admin port shows and does. */
export interface AdminSource {
  status(): Status
  /** The configured token, or undefined. */
  token(): string | undefined
  /** Checks a token that is not that one. @throws BrxyError */
  verify(token: string): Promise<void>
  /**
   * Reads the configuration again and puts it in force. Resolves with what to tell who asked; null where there is
   * nothing to read again.
   */
  readonly reload: (() => Promise<ReloadReport>) | null
}

/** What became of a reload. */
export interface ReloadReport {
  /** Whether the new configuration is in force. If not, nothing has changed. */
  readonly ok: boolean
  /** For programs: what is different now, or what is wrong. */
  readonly [detail: string]: unknown
}

/** Names under which a loopback port may be asked; any other Host is a rebinding attack on a browser. */
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])
/** What a probe may ask from anywhere: it tells nothing. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

/**
 * The admin port. Reading is free on loopback; everything else needs a token: that of the configuration, or one signed
 * with the edge's secret.
 */
export function createAdminServer(source: AdminSource): Server {
  return createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    handle(source, request, response).catch((error: unknown) => {
      answer(response, 500, { error: `a bug in brxy: ${messageOf(error)}` })
    })
  })
}

async function handle(
  source: AdminSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isLocal = isLoopback(request)
  if (isLocal && !namesLoopback(request))
    return answer(response, 421, { error: 'the Host header names no loopback address' })
  const path = (request.url ?? '').split('?', 1)[0]
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (!(isRead && (isLocal || OPEN_PATHS.has(path)))) {
    const why = await whyRefused(source, request)
    if (why !== null) {
      response.setHeader('WWW-Authenticate', 'Bearer realm="brxy admin"')
      return answer(response, 401, { error: why })
    }
  }
  if (path === '/v1/reload') {
    if (request.method !== 'POST') return notAllowed(response, 'POST')
    if (source.reload === null) return answer(response, 409, { error: 'this edge has no configuration file' })
    const report = await source.reload()
    return answer(response, report.ok ? 200 : 422, report)
  }
  if (!isRead) return notAllowed(response, 'GET, HEAD')
  switch (path) {
    case '/healthz':
      return answer(response, 200, { status: 'ok' })
    case '/readyz': {
      const { draining } = source.status()
      return answer(response, draining ? 503 : 200, { status: draining ? 'draining' : 'ready' })
    }
    case '/v1/status':
      return answer(response, 200, source.status())
    default:
      return answer(response, 404, { error: 'there are /healthz, /readyz, /v1/status and POST /v1/reload' })
  }
}

/** null if the request shows a good token. */
async function whyRefused(source: AdminSource, request: IncomingMessage): Promise<string | null> {
  const shown = /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (shown === undefined) return 'this needs a token: Authorization: Bearer TOKEN'
  const configured = source.token()
  if (configured !== undefined && isSame(shown, configured)) return null
  try {
    await source.verify(shown)
    return null
  } catch (error) {
    if (!isBrxyError(error)) throw error
    return error.message
  }
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function isLoopback({ socket }: IncomingMessage): boolean {
  const local = socket.localAddress ?? ''
  return local === '::1' || local.startsWith('127.') || local.startsWith('::ffff:127.')
}

/** A page of another site can make a browser ask here, but only under that site's name. */
function namesLoopback({ headers }: IncomingMessage): boolean {
  return LOOPBACK_NAMES.has((headers.host ?? '').toLowerCase().replace(/:\d+$/, ''))
}

function notAllowed(response: ServerResponse, allow: string): void {
  response.setHeader('Allow', allow)
  answer(response, 405, { error: `use ${allow}` })
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
