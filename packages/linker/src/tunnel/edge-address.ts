import { BrxyError, TUNNEL_PATH } from '@brxy/protocol'

/**
 * The URL to dial: `host:port`, `ws://host:port` and `wss://host` are completed with the tunnel's path.
 * @throws BrxyError `link/bad-edge`
 */
export function tunnelUrl(text: string): URL {
  const full = /^[a-z]+:\/\//i.test(text) ? text : `ws://${text}`
  let url: URL
  try {
    url = new URL(full)
  } catch (cause) {
    throw new BrxyError(
      'link/bad-edge',
      `"${text}" is no edge address; expected HOST:PORT, ws://HOST:PORT or wss://HOST`,
      { cause },
    )
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new BrxyError(
      'link/bad-edge',
      `"${text}" is no edge address: the scheme is ws or wss, not ${url.protocol.slice(0, -1)}`,
    )
  }
  if (url.pathname === '/' || url.pathname === '') url.pathname = TUNNEL_PATH
  return url
}

/** Whether masking would protect nobody: the bytes are encrypted, or never leave the machine. */
export function needsNoMask(url: URL): boolean {
  return (
    url.protocol === 'wss:' ||
    url.hostname === 'localhost' ||
    url.hostname === '[::1]' ||
    url.hostname.startsWith('127.')
  )
}
