import { isIPv4 } from 'node:net'
import { TUNNEL_PATH } from '@brxy/protocol'

// Apart from edge-address.ts, which is loaded before the application is started and needs no protocol.

/** The same for two texts that mean the same: the scheme, host, port and path of a tunnel. */
export function addressKey({ protocol, host, port, pathname, search }: URL): string {
  const defaultPort = protocol === 'wss:' ? ':443' : ':80'
  return `${protocol}//${host}${port === '' ? defaultPort : ''}${pathname === '/' ? TUNNEL_PATH : pathname}${search}`
}

/** Whether the host is a name that DNS knows: each address that it has may be an edge of its own. */
export function needsLookup({ hostname }: URL): boolean {
  return !isLocalhost(hostname) && !hostname.startsWith('[') && !isIPv4(hostname)
}

/**
 * Whether to dial what an edge said that an edge is at.
 * @param from where that edge was reached
 * @returns false: another machine's loopback address; a text: why not
 */
export function isWorthDialling(url: URL, from: URL): boolean | string {
  if (isLoopback(url)) return isLoopback(from)
  if (from.protocol === 'wss:' && url.protocol === 'ws:')
    return 'the edge that names it speaks TLS, and this address does not'
  return true
}

function isLoopback({ hostname }: URL): boolean {
  return isLocalhost(hostname) || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'))
}

/** RFC 6761 6.3: this name and all below it are this machine, and nobody is asked. */
function isLocalhost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost')
}
