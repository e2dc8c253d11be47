import { isIPv4 } from 'node:net'
import { LinkError } from '../error.ts'

/**
 * The address of an edge as a URL: `host:port`, `ws://host:port` or `wss://host`, with or without the tunnel's path.
 * @throws LinkError `link/bad-edge`
 */
export function edgeUrl(text: string): URL {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  let url: URL
  try {
    url = new URL(hasScheme ? text : `ws://${text}`)
  } catch (cause) {
    throw bad(text, 'expected HOST:PORT, ws://HOST:PORT or wss://HOST', cause)
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw bad(text, `the scheme is ws or wss, not ${url.protocol.slice(0, -1)}`)
  }
  // Without a scheme nobody would expect port 80.
  if (!hasScheme && !/^[^/?#]*:\d+(\/|$)/.test(text))
    throw bad(text, 'the port is missing; expected HOST:PORT')
  // RFC 6455 3: no fragment. A user and password would be a second kind of credential.
  if (url.hash !== '' || url.username !== '' || url.password !== '') {
    throw bad(text, 'expected nothing but a scheme, a host, a port and a path')
  }
  return url
}

/** Whether masking would protect nobody (RFC 6455 10.3): the bytes are encrypted, or never leave the machine. */
export function needsNoMask(url: URL): boolean {
  const { protocol, hostname } = url
  return (
    protocol === 'wss:' ||
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIPv4(hostname) && hostname.startsWith('127.'))
  )
}

function bad(text: string, why: string, cause?: unknown): LinkError {
  return new LinkError(
    'link/bad-edge',
    `"${text}" is no edge address: ${why}`,
    cause === undefined ? {} : { cause },
  )
}
