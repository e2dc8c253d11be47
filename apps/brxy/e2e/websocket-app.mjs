// The WebSocket application under the end-to-end tests: echoes messages, and does as some texts say. Settings as
// name=value: startMs (listens that late). GET /closed tells, as JSON, the code of each connection that has ended.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const settings = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')))
const closed = []

/** What a text makes the server do, instead of sending it back. */
const orders = {
  close: (socket, code, reason) => socket.close(Number(code), reason),
  terminate: (socket) => socket.terminate(),
  die: () => process.kill(process.pid, 'SIGKILL'),
  ping: (socket, data) => {
    socket.once('pong', (pong) => socket.send(`ponged ${pong}`))
    socket.ping(data)
  },
}

const echo = new WebSocketServer({
  noServer: true,
  maxPayload: 128 * 1024 * 1024,
  handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
})
const deflating = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } })

for (const server of [echo, deflating]) {
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      const [order, ...words] = isBinary || data.length > 100 ? [] : data.toString().split(' ')
      if (Object.hasOwn(orders, order)) orders[order](socket, ...words)
      else socket.send(data, { binary: isBinary })
    })
    socket.on('close', (code) => closed.push(code))
    socket.on('error', () => {})
  })
}

const http = createServer((request, response) => {
  response.end(request.url === '/closed' ? JSON.stringify(closed) : `${process.pid}\n`)
})
http.on('upgrade', (request, socket, head) => {
  if (request.url === '/forbidden') return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
  const server = request.url === '/deflate' ? deflating : echo
  server.handleUpgrade(request, socket, head, (webSocket) => server.emit('connection', webSocket))
})
setTimeout(() => http.listen(Number(process.env.PORT), '127.0.0.1'), Number(settings.startMs ?? 0))
