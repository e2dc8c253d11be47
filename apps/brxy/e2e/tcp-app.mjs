// The TCP application under the end-to-end tests: `tcp-app.mjs MODE name=value...`, on PORT. Settings of every mode:
// startMs (listens that late).
import { createHash } from 'node:crypto'
import { createServer } from 'node:net'

const [mode, ...words] = process.argv.slice(2)
const settings = Object.fromEntries(words.map((word) => word.split('=')))
const block = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 255))

const modes = {
  /** Speaks first, and sends back each line in capitals. `quit` ends its direction, `reset` the connection. */
  lines(socket) {
    socket.write(`220 ${process.env.ROUTE}\n`)
    let rest = ''
    socket.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()
      for (const line of lines) {
        if (line === 'reset') return socket.resetAndDestroy()
        if (line === 'die') return process.kill(process.pid, 'SIGKILL')
        if (line === 'quit') socket.end('221 bye\n')
        else socket.write(`${line.toUpperCase()}\n`)
      }
    })
    // Its client goes on after the end, until it has one of its own.
    socket.on('end', () => socket.end(`${rest.toUpperCase()}`))
  },
  /** Reads to the end; only then it answers, with how much it was. */
  sum(socket) {
    const hash = createHash('sha256')
    let bytes = 0
    socket.on('data', (data) => {
      hash.update(data)
      bytes += data.length
    })
    socket.on('end', () => socket.end(`${bytes} ${hash.digest('hex')}\n`))
  },
  /** A client's first byte says what it wants: `f` as many bytes as there may be, else an echo. */
  flood(socket) {
    socket.once('data', (first) => {
      if (first[0] !== 0x66) {
        socket.write(first)
        socket.pipe(socket)
        return
      }
      let left = Number(settings.bytes)
      const write = () => {
        for (; left > 0; left -= block.length) {
          if (!socket.write(block)) {
            left -= block.length
            socket.once('drain', write)
            return
          }
        }
        socket.end()
      }
      write()
    })
  },
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {})
  modes[mode](socket)
})
setTimeout(() => server.listen(Number(process.env.PORT), '127.0.0.1'), Number(settings.startMs ?? 0))
