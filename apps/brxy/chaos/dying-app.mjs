// Begins an answer in the framing that the path names, and is killed in the middle of its body, as if it had run out of
// memory.
import { createServer } from 'node:net'

const heads = {
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
  chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  close: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf',
}

createServer((socket) => {
  socket.once('data', (data) => {
    const framing = /^\S+ \/(\w+)/.exec(data.toString('latin1'))[1]
    if (framing === 'fine') return socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    socket.write(heads[framing])
    console.log(`half ${process.pid}`)
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
