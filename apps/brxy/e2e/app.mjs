// The application under the end-to-end tests: `app.mjs MODE name=value...`, on PORT. It answers with its process id.
import { createServer } from 'node:http'

const [mode, ...words] = process.argv.slice(2)
const settings = Object.fromEntries(words.map((word) => word.split('=')))
const seconds = Number(settings.seconds ?? 0)
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
let turn = Promise.resolve()

const modes = {
  /** One request at a time, `seconds` each. */
  serial(request, response) {
    turn = turn.then(async () => {
      await wait(seconds * 1000)
      response.end(`${process.pid}\n`)
    })
  },
  /** All at once, `seconds` each. */
  async parallel(request, response) {
    await wait(seconds * 1000)
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
          env: {
            ROUTE: process.env.ROUTE,
            PORT: process.env.PORT,
            BRXY_TOKEN: process.env.BRXY_TOKEN ?? null,
          },
        }),
      )
    })
  },
}

const start = () => createServer(modes[mode]).listen(Number(process.env.PORT), '127.0.0.1')
if (settings.startMs) setTimeout(start, Number(settings.startMs))
else start()
