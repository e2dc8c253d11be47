// A slow application that serves one request at a time, as the examples in Python do: 2 s of work for each.
import { createServer } from 'node:http'

const seconds = Number(process.env.SECONDS ?? 2)
let turn = Promise.resolve()

createServer((request, response) => {
  turn = turn.then(async () => {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    response.end(`hello from process ${process.pid}, ${request.method} ${request.url}\n`)
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
