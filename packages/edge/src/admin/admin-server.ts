import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Status } from './status.ts'

export interface AdminSource {
  status(): Status
}

/** Names under which a loopback port may be asked; any other Host is a rebinding attack on a browser. */
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

/** The admin port: `/healthz`, `/readyz` and `/v1/status`. It only reads. */
export function createAdminServer(source: AdminSource): Server {
  return createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    if (!isAllowedHost(request))
      return answer(response, 421, { error: 'the Host header names no loopback address' })
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return answer(response, 405, { error: 'this port only reads' })
    }
    switch ((request.url ?? '').split('?', 1)[0]) {
      case '/healthz':
        return answer(response, 200, { status: 'ok' })
      case '/readyz': {
        const { draining } = source.status()
        return answer(response, draining ? 503 : 200, { status: draining ? 'draining' : 'ready' })
      }
      case '/v1/status':
        return answer(response, 200, source.status())
      default:
        return answer(response, 404, { error: 'there are /healthz, /readyz and /v1/status' })
    }
  })
}

/** A page of another site can make a browser ask here, but only under that site's name. */
function isAllowedHost(request: IncomingMessage): boolean {
  const local = request.socket.localAddress ?? ''
  const isLoopback = local === '::1' || local.startsWith('127.') || local.startsWith('::ffff:127.')
  if (!isLoopback) return true
  const host = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '')
  return LOOPBACK_NAMES.has(host)
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
