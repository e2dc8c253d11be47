import { parseIp } from '@brxy/protocol'
import { badHeader, type ProxyHeader } from './header.ts'

/** What each line begins with. */
export const V1_PREFIX = 'PROXY '
/** Of the longest line, with its CRLF (specification 2.1). */
export const V1_MAX_BYTES = 107

// What follows UNKNOWN is for nobody: "the receiver must ignore anything presented before the CRLF".
const UNNAMED = /^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/
const PORT = '(0|[1-9]\\d{0,4})'
const CLIENT = new RegExp(`^PROXY TCP([46]) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) ${PORT} ${PORT}\\r\\n$`)
const MAX_PORT = 65_535
const BYTES: Readonly<Record<string, number>> = { 4: 4, 6: 16 }

/**
 * Reads a header of version 1.
 *
 * @param line with its LF, one byte a character
 * @throws BrxyError `edge/bad-proxy-header`
 */
export function parseVersion1(line: string): ProxyHeader {
  if (UNNAMED.test(line)) return { kind: 'unnamed' }
  const [, family, source = '', destination = '', ...ports] = CLIENT.exec(line) ?? []
  const [sourcePort = 0, destinationPort = 0] = ports.map(Number)
  const areOfFamily = [source, destination].every((text) => parseIp(text)?.length === BYTES[family ?? ''])
  if (family === undefined || !areOfFamily || Math.max(sourcePort, destinationPort) > MAX_PORT)
    throw badHeader(`${JSON.stringify(line)} is no header of version 1`)
  return { kind: 'client', addresses: { source, sourcePort, destination, destinationPort } }
}
