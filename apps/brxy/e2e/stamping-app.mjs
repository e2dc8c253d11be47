// The application under the latency test. POST /tick has every GET /events hear of it and every GET /poll answered, with
// the time at which that was written: CLOCK_MONOTONIC in nanoseconds, which all processes of a machine share. WebSockets echo.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const streams = new Set()
const polls = new Set()

const server = createServer((request, response) => {
  if (request.url === '/tick') {
    request.resume()
    for (const stream of streams) stream.write(`data: ${process.hrtime.bigint()}\n\n`)
    for (const poll of polls) poll.end(`data: ${process.hrtime.bigint()}\n\n`)
    polls.clear()
    return response.end(`${streams.size}`)
  }
  const waiting = request.url === '/events' ? streams : request.url === '/poll' ? polls : null
  if (waiting === null) return response.end(`${streams.size + polls.size}`)
  waiting.add(response)
  response.on('close', () => waiting.delete(response))
  if (waiting === streams) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
  }
})
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket) =>
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
)
server.listen(Number(process.env.PORT), 'localhost')
