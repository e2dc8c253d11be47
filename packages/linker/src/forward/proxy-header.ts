import { type Addresses, addressBytes, formatIp } from '@brxy/protocol'
import { localHeader, type ProxyVersion, V2_SIGNATURE } from '../app/proxy-local.ts'

/** Version 2, command PROXY. */
const V2_PROXY = 0x21
const UNSPECIFIED = 0x00
const TCP4 = 0x11
const TCP6 = 0x21

/**
 * The PROXY header that tells an application whose connection it is; it goes before everything else.
 * @param addresses of the client and of the edge's listener; null if the edge does not know them
 */
export function proxyHeader(version: ProxyVersion, addresses: Addresses | null): Buffer {
  const ends = addresses === null ? null : addressBytes(addresses)
  if (addresses === null || ends === null)
    return version === 'v1' ? localHeader('v1') : version2(UNSPECIFIED, Buffer.alloc(0))
  const { sourcePort, destinationPort } = addresses
  const [source, destination] = ends
  const isV4 = source.length === 4
  if (version === 'v1') {
    const texts = [formatIp(source), formatIp(destination), sourcePort, destinationPort]
    return Buffer.from(`PROXY ${isV4 ? 'TCP4' : 'TCP6'} ${texts.join(' ')}\r\n`)
  }
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(sourcePort, 0)
  ports.writeUInt16BE(destinationPort, 2)
  return version2(isV4 ? TCP4 : TCP6, Buffer.concat([source, destination, ports]))
}

function version2(family: number, addresses: Buffer): Buffer {
  const fixed = Buffer.of(V2_PROXY, family, 0, addresses.length)
  return Buffer.concat([V2_SIGNATURE, fixed, addresses])
}
