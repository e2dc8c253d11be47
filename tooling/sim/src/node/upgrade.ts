import type { SimSocket } from './socket.ts'

const HEAD_END = '\r\n\r\n'

/** Reads the head of an HTTP message, and leaves the socket as it was. @param onHead its lines, and what came behind it */
export function readHead(socket: SimSocket, onHead: (lines: readonly string[], rest: Buffer) => void): void {
  let bytes = Buffer.alloc(0)
  const onData = (data: Buffer) => {
    bytes = Buffer.concat([bytes, data])
    const end = bytes.indexOf(HEAD_END)
    if (end < 0) return
    socket.off('data', onData)
    socket.pause()
    onHead(bytes.toString('latin1', 0, end).split('\r\n'), bytes.subarray(end + HEAD_END.length))
  }
  socket.on('data', onData)
}
