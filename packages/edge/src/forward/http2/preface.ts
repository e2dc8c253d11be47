import type { Socket } from 'node:net'

/**
 * How the preface of HTTP/2 begins. That much is enough: PRI is reserved, lest it be a method (RFC 9113 3.4, 11.6),
 * and whoever goes on otherwise is told so in HTTP/2.
 */
const BEGINNING = Buffer.from('PRI ')

/**
 * Looks at the first bytes of a connection without TLS, beside whoever reads it as HTTP/1.1. Call it first, so that it
 * hears of each read before that one.
 *
 * @param onPreface the client speaks HTTP/2: it gets everything read so far
 */
export function watchForPreface(socket: Socket, onPreface: (read: Buffer) => void): void {
  let seen = 0
  const onData = (data: Buffer) => {
    const length = Math.min(BEGINNING.length - seen, data.length)
    if (BEGINNING.compare(data, 0, length, seen, seen + length) !== 0) return void socket.off('data', onData)
    seen += length
    if (seen < BEGINNING.length) return
    socket.off('data', onData)
    onPreface(Buffer.concat([BEGINNING.subarray(0, seen - length), data]))
  }
  socket.on('data', onData)
}
