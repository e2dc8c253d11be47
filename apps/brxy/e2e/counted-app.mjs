// An application whose every execution is counted: `counted-app.mjs COLLECTOR_URL`, on PORT. It tells the collector what it
// was asked, and answers when that has answered. A request for /poison kills its linker.
import { request as ask, createServer } from 'node:http'

const [collector] = process.argv.slice(2)

createServer((request, response) => {
  let body = ''
  request.setEncoding('latin1')
  request.on('data', (data) => {
    body += data
  })
  request.on('end', () => {
    const path = `${request.method}${request.url}?pid=${process.pid}`
    ask(`${collector}/${path}`, { method: 'POST', agent: false }, (answer) => {
      answer.resume()
      answer.on('end', () => {
        if (request.url === '/poison') process.kill(process.ppid, 'SIGKILL')
        else response.end(`${process.pid} ${body}`)
      })
    })
      .on('error', () => response.destroy())
      .end()
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
