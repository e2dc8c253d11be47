// An application for instances on a platform: `/?ms=N` takes N ms and answers where it was asked.
import { createServer } from 'node:http'
import { hostname } from 'node:os'

createServer((request, response) => {
  const ms = Number(new URL(request.url, 'http://localhost').searchParams.get('ms') ?? 0)
  setTimeout(() => response.end(process.env.POD ?? hostname()), ms)
}).listen(Number(process.env.PORT), '127.0.0.1')

// As the first process of a container it would ignore it otherwise.
process.on('SIGTERM', () => process.exit(0))
