// The application under the chaos tests. It writes down each request that it begins, in the file EXECUTIONS, before it does
// anything else: "pid method id concurrency". `/work?id=ID&ms=N` takes so long; `/gate?id=ID` until the gate is open, which
// is a file beside EXECUTIONS; `/crash` ends the process. Settings as
// name=value: startMs (listens that late), deaf (works on for a client that has gone, as a blocking server does).
import { appendFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'

const { startMs = 0, deaf = '0' } = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')))
let running = 0

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://app')
  running++
  const id = url.searchParams.get('id') ?? '-'
  appendFileSync(process.env.EXECUTIONS, `${process.pid} ${request.method} ${id} ${running}\n`)
  if (url.pathname === '/crash') process.exit(3)
  request.resume()
  const done = () => {
    running--
    response.end(`${process.pid}\n`)
  }
  if (url.pathname === '/gate') return void whenOpen(done)
  setTimeout(done, Number(url.searchParams.get('ms') ?? 0))
})
function whenOpen(go) {
  if (existsSync(`${process.env.EXECUTIONS}.open`)) go()
  else setTimeout(whenOpen, 50, go)
}

// Without it Node ends a connection whose other end is gone, whatever the handler does.
server.httpAllowHalfOpen = deaf === '1'
setTimeout(() => server.listen(Number(process.env.PORT), '127.0.0.1'), Number(startMs))
