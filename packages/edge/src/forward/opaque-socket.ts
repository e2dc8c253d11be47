import type { Socket } from 'node:net'

const NOTHING = Buffer.alloc(0)
/** A peer whose machine has vanished says nothing, and nothing alive is cut by idleness: only the kernel finds out. */
const KEEPALIVE_MS = 60_000

/** Prepares a client's socket for bytes that no timeout watches over. */
export function keepOpen(socket: Socket): void {
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEPALIVE_MS)
}

/**
 * What looks like the end of a direction may be none: libuv tells a RST that comes together with the last data as an
 * ordinary end, and then what came is not complete. A write finds out, even one of nothing, for the kernel looks for the
 * error first; and what still waits to be written will.
 *
 * @param onEnd called unless the connection is broken, which its `close` tells
 */
export function confirmEnd(socket: Socket, onEnd: () => void): void {
  if (!socket.writable || socket.writableLength > 0) return onEnd()
  socket.write(NOTHING, (error) => {
    if (!error) onEnd()
  })
}

/** Ends a connection so that nobody takes what came over it for complete: by RST. */
export function cut(socket: Socket): void {
  // Under TLS as well (tls/tls-front.ts): not everybody misses close_notify (RFC 8446 6.1).
  socket.resetAndDestroy()
}
