import type { DockerClient } from './client.ts'

/** How much of what it wrote an error shows. */
const MAX_TAIL_BYTES = 4096
const LINES = '50'
/** Stream, three zeroes, length. */
const HEADER_BYTES = 8

/** The last that a container or task wrote; empty if the Engine has nothing (any more), or keeps no logs. */
export async function logTail(client: DockerClient, path: string, signal: AbortSignal): Promise<string> {
  try {
    const query = { stdout: '1', stderr: '1', tail: LINES }
    const text = plainText(await client.bytes({ path: `${path}/logs`, query, signal })).trim()
    return text.slice(-MAX_TAIL_BYTES)
  } catch {
    // The status alone says what happened.
    return ''
  }
}

/**
 * Takes the frames off that mark standard output and error (ContainerAttach in the API's reference). The output of a container with a
 * terminal has none.
 */
export function plainText(bytes: Buffer): string {
  const parts: Buffer[] = []
  let at = 0
  while (at + HEADER_BYTES <= bytes.length) {
    const isFrame = bytes[at] <= 2 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0
    if (!isFrame) return bytes.toString('utf8')
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 4)
    parts.push(bytes.subarray(at + HEADER_BYTES, end))
    at = end
  }
  return Buffer.concat(parts).toString('utf8')
}
