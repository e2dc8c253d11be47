// Any web application; it listens on PORT and knows nothing of brxy. `/?seconds=10` takes its time.
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

createServer(async (request, response) => {
  const seconds = Number(new URL(request.url, 'http://localhost').searchParams.get('seconds'))
  await sleep(seconds * 1000)
  response.end(`hello from container ${hostname()}\n`)
}).listen(Number(process.env.PORT), '127.0.0.1')
