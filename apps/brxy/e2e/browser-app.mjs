// The application under the test with a browser: a page whose script uses what browsers use, and then reports what it saw.
// GET /report tells the report as JSON, null while there is none.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

/** Runs in the browser. */
async function inBrowser() {
  const report = { protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol }
  const socketUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`
  const once = (target, name) =>
    new Promise((resolve) => target.addEventListener(name, resolve, { once: true }))

  const socket = new WebSocket(socketUrl, ['chat.v1', 'chat.v2'])
  socket.binaryType = 'arraybuffer'
  await once(socket, 'open')
  report.subprotocol = socket.protocol
  const echoed = async (data) => {
    const answer = once(socket, 'message')
    socket.send(data)
    return (await answer).data
  }
  report.text = await echoed('grüße')
  const bytes = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) & 255)
  const back = new Uint8Array(await echoed(bytes))
  report.binary = back.length === bytes.length && back.every((byte, i) => byte === bytes[i])
  const closed = once(socket, 'close')
  socket.send('close 4002 enough')
  const { code, reason, wasClean } = await closed
  report.close = { code, reason, wasClean }

  // The server says what it sends only after the browser has what came before: nothing may wait in between.
  const events = new EventSource('/events')
  report.events = []
  for (let n = 0; n < 3; n++) {
    report.events.push((await once(events, 'message')).data)
    await fetch(`/next?after=${n}`, { method: 'POST' })
  }
  events.close()

  const upload = await fetch('/upload', { method: 'POST', body: bytes })
  report.uploaded = Number(await upload.text())
  await fetch('/report', { method: 'POST', body: JSON.stringify(report) })
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>brxy</title><script>(${inBrowser})().catch((error) =>
  fetch('/report', { method: 'POST', body: JSON.stringify({ error: String(error) }) }))</script>`

let report = 'null'
let events = null
const sendEvent = (n) => events?.write(`data: event ${n}\n\n`)

const server = createServer(async (request, response) => {
  const path = request.url.split('?', 1)[0]
  if (path === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    events = response
    return sendEvent(0)
  }
  let length = 0
  const body = []
  for await (const part of request) {
    length += part.length
    body.push(part)
  }
  if (path === '/next') sendEvent(Number(request.url.split('=')[1]) + 1)
  if (request.method === 'POST' && path === '/report') report = Buffer.concat(body).toString()
  response.setHeader('content-type', path === '/' ? 'text/html' : 'application/json')
  response.end(path === '/' ? PAGE : path === '/report' ? report : `${length}`)
})
const sockets = new WebSocketServer({ server, handleProtocols: () => 'chat.v2' })
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    const [order, code, reason] = isBinary ? [] : data.toString().split(' ')
    if (order === 'close') socket.close(Number(code), reason)
    else socket.send(data, { binary: isBinary })
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
