import { type Addresses, BrxyError } from '@brxy/protocol'

/** What a proxy in front says, in the first bytes of a connection, of whose connection it is. */
export type ProxyHeader =
  /** The client's, which connected to that destination. */
  | { readonly kind: 'client'; readonly addresses: Addresses }
  /** Somebody's whom the proxy does not name: one behind a Unix socket, for example. */
  | { readonly kind: 'unnamed' }
  /** The proxy's own, such as a health check. */
  | { readonly kind: 'local' }

/** The header breaks the specification: nothing behind it can be trusted to begin where it seems to. */
export function badHeader(what: string): BrxyError {
  return new BrxyError('edge/bad-proxy-header', what)
}
