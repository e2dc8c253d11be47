import { BrxyError } from '@brxy/protocol'

/** Where to listen. */
export interface Address {
  /** undefined: all interfaces. */
  readonly host: string | undefined
  /** 0: any free one. */
  readonly port: number
}

/**
 * Parses `8080`, `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
 * @throws BrxyError `edge/bad-address`
 */
export function parseAddress(text: string): Address {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text)
  const port = match === null ? Number.NaN : Number(match[3])
  if (match === null || port > 65_535) {
    throw new BrxyError(
      'edge/bad-address',
      `"${text}" is no address; expected PORT, HOST:PORT or [IPV6]:PORT`,
    )
  }
  const host = match[1] ?? match[2] ?? ''
  return { host: host === '' ? undefined : host, port }
}

/** `127.0.0.1:8080`, `[::1]:8080`, as printed and advertised. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
