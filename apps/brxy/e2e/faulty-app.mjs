// The application under the test of errors: what it does wrong is in the path. It speaks on bare sockets, for no HTTP
// server would.
import { createServer } from 'node:net'

const faults = {
  /** Answers as an application should. */
  fine: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  hangUp: (socket) => socket.destroy(),
  /** Says so, for somebody to kill what is in front of it. */
  silent: () => console.log('asked'),
  noHttp: (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  wrongSwitch: (socket) =>
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bm8=\r\n\r\n',
    ),
}

createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', (data) => {
    const fault = /^\S+ \/(\w+)/.exec(data.toString('latin1'))?.[1]
    faults[fault](socket)
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
