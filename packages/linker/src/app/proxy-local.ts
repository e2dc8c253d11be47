/** The PROXY protocol in its two versions: a line, or binary (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). */
export type ProxyVersion = 'v1' | 'v2'

/** What a header of version 2 begins with, and no other protocol. */
export const V2_SIGNATURE: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Version 2, command LOCAL, no family, nothing more. */
const V2_LOCAL = Buffer.concat([V2_SIGNATURE, Buffer.of(0x20, 0x00, 0, 0)])
/** Version 1 has no word for it but that of a client that is not known. */
const V1_UNKNOWN = Buffer.from('PROXY UNKNOWN\r\n')

/** The header of a connection that is the linker's own: a probe of the application. */
export function localHeader(version: ProxyVersion): Buffer {
  return version === 'v1' ? V1_UNKNOWN : V2_LOCAL
}
