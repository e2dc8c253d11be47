import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** How the client of a connection asked, as X-Forwarded-Proto says it. */
export function schemeOf(socket: Socket): 'http' | 'https' {
  return socket instanceof TLSSocket ? 'https' : 'http'
}
