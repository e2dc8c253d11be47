// Hostile clients, in a process of their own: `slow-clients.mjs KIND,KIND... COUNT PORT`. They are of these kinds by turns.
// When the last one is closed it prints `closed {"heads 408":N,...}`: how many of each kind have ended how. Those that
// trickle send a byte a second.
import { connect } from 'node:net'

const [kinds, countText, portText] = process.argv.slice(2)
const count = Number(countText)
/** No more at a time: the queue of a listener is not what this is about. */
const MAX_OPENING = 200
const EVERY_MS = 1000

const HEAD = 'GET / HTTP/1.1\r\nHost: slow.test\r\n'
const POST = 'POST /slow HTTP/1.1\r\nHost: slow.test\r\n'
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`
const download = (bytes) => `GET /known/${bytes} HTTP/1.1\r\nHost: slow.test\r\n\r\n`

/** What each kind sends first, and then again and again. */
const KINDS = {
  /** A head that never ends. */
  heads: { first: HEAD, again: 'X: y\r\n' },
  /** A body that never ends, a byte at a time. */
  bodies: { first: `${POST}Content-Length: 1000000\r\n\r\n`, again: 'x' },
  /** The same in chunks. */
  chunks: { first: CHUNKED, again: '1\r\nx\r\n' },
  /** Asks for a response and reads none of it. An empty line finds out whether it is still connected. */
  readers: { first: download(1024 * 1024), again: '\r\n', readsNothing: true },
  /** The same, but more than kernels take. */
  stuck: { first: download(64 * 1024 * 1024), again: '\r\n', readsNothing: true },
  /** Connects and says nothing. */
  silent: { first: '' },
  'long target': { first: `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: slow.test\r\n\r\n` },
  'long head': { first: `${HEAD}X: ${'y'.repeat(40_000)}\r\n\r\n` },
  'many fields': { first: `${HEAD}${'X: y\r\n'.repeat(200)}\r\n` },
  'long chunk line': { first: `${CHUNKED}1;${'x'.repeat(1000)}=y\r\nx\r\n0\r\n\r\n` },
  'long trailers': { first: `${CHUNKED}0\r\n${'X: y\r\n'.repeat(2000)}\r\n` },
}

const names = kinds.split(',')
const ends = {}
const sockets = new Map()
let closed = 0
let next = 0

function open() {
  if (next === count) return
  const name = names[next++ % names.length]
  const { first, again = '', readsNothing = false } = KINDS[name]
  let end = ''
  let isOpened = false
  const onOpened = () => {
    if (isOpened) return
    isOpened = true
    open()
  }
  const socket = connect({ host: '127.0.0.1', port: Number(portText), noDelay: true })
  if (readsNothing) socket.pause()
  socket.on('connect', () => {
    sockets.set(socket, again)
    if (first !== '') socket.write(first)
    onOpened()
  })
  socket.on('data', (data) => {
    if (end === '') end = data.toString('latin1', 9, 12)
  })
  socket.on('end', () => {
    end ||= 'end'
    socket.destroy()
  })
  socket.on('error', (error) => {
    end ||= error.code
  })
  socket.on('close', () => {
    sockets.delete(socket)
    onOpened()
    const key = `${name} ${end}`
    ends[key] = (ends[key] ?? 0) + 1
    if (++closed === count) finish()
  })
}

const trickle = setInterval(() => {
  for (const [socket, again] of sockets) if (again !== '' && socket.writable) socket.write(again)
}, EVERY_MS)

function finish() {
  clearInterval(trickle)
  console.log(`closed ${JSON.stringify(ends)}`)
}

for (let opening = 0; opening < MAX_OPENING; opening++) open()
