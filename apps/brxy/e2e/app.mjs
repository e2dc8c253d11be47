// The application under the end-to-end tests: `app.mjs MODE name=value...`, on PORT. Most modes answer with the
// process id. Settings of every mode: startMs (listens that late), ignoresSigterm, peer (a process it starts and forgets).
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'

const [mode, ...words] = process.argv.slice(2)
const settings = Object.fromEntries(words.map((word) => word.split('=')))
const seconds = Number(settings.seconds ?? 0)
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
let turn = Promise.resolve()
let gone = 0
let written = 0
let release = () => {}

/** The same bytes on both sides of a test: 64 KiB in which every byte value occurs, over and over. */
function* bytes(length) {
  const block = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 255))
  for (let left = length; left > 0; left -= block.length) {
    const chunk = left < block.length ? block.subarray(0, left) : block
    written += chunk.length
    yield chunk
  }
}

const modes = {
  /** One request at a time, `seconds` each. */
  serial(_request, response) {
    turn = turn.then(async () => {
      await wait(seconds * 1000)
      response.end(`${process.pid}\n`)
    })
  },
  /** All at once, `seconds` each. */
  async parallel(_request, response) {
    await wait(seconds * 1000)
    response.end(`${process.pid}\n`)
  },
  /** GET /NAME/COUNT/WHICH is answered once so many of that name are under way at once, in all processes that share `folder`. */
  async together(request, response) {
    const [, name, count] = request.url.split('/')
    const all = join(settings.folder, name)
    await mkdir(all, { recursive: true })
    await writeFile(join(all, request.url.replaceAll('/', '-')), '')
    while ((await readdir(all)).length < Number(count)) await wait(20)
    response.end(`${process.pid}\n`)
  },
  /** Tells what arrived. */
  echo(request, response) {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          pid: process.pid,
          method: request.method,
          url: request.url,
          headers: request.headers,
          bytes: body.length,
          body: body.length <= 1000 ? body.toString('latin1') : undefined,
          argv: words,
          env: {
            ROUTE: process.env.ROUTE,
            PORT: process.env.PORT,
            BRXY_TOKEN: process.env.BRXY_TOKEN ?? null,
          },
        }),
      )
    })
  },
  /**
   * GET /known/N and /chunked/N send N bytes; a body that is sent is answered with its length and checksum, and not read
   * at all if it is sent to /unread.
   */
  bulk(request, response) {
    const [, kind, length] = request.url.split('/')
    if (kind === 'written') return response.end(String(written))
    if (kind === 'gone') return response.end(String(gone))
    response.on('close', () => {
      if (!response.writableFinished) gone++
    })
    if (request.method === 'GET') {
      if (kind === 'known') response.setHeader('content-length', length)
      pipeline(Readable.from(bytes(Number(length))), response, () => {})
      return
    }
    if (kind === 'unread') return request.pause()
    const hash = createHash('sha256')
    let count = 0
    request.on('data', (chunk) => {
      hash.update(chunk)
      count += chunk.length
    })
    request.on('end', () => response.end(`${count} ${hash.digest('hex')}`))
  },
  /** GET / sends its first half at once and the other when somebody asks for /release. */
  halves(request, response) {
    if (request.url === '/release') {
      release()
      return response.end('released')
    }
    response.write('first')
    release = () => response.end('second')
  },
  /** GET / is never answered; /gone tells how many such clients went away. */
  silent(request, response) {
    if (request.url === '/gone') return response.end(String(gone))
    console.log(`asked ${request.url}`)
    request.resume()
    response.on('close', () => gone++)
  },
}

if (settings.ignoresSigterm) process.on('SIGTERM', () => {})
if (settings.peer) spawn('sleep', ['600'], { stdio: 'ignore' })
const start = () => createServer(modes[mode]).listen(Number(process.env.PORT), '127.0.0.1')
if (settings.startMs) setTimeout(start, Number(settings.startMs))
else start()
