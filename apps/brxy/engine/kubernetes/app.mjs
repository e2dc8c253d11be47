// An application for instances on a platform, which answers where it was asked: at once, after `/?ms=N`, or, `/until`, at once with
// an answer that ends when the request's body does. It is ready while it listens, except during a request with `unready`.
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { hostname } from 'node:os'

/** By it a probe tells: the port is another one in each pod, for all have the node's network. */
const READY = '/tmp/ready'
const beReady = () => writeFileSync(READY, '')
const beUnready = () => rmSync(READY, { force: true })

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const isUnready = searchParams.has('unready')
  if (isUnready) beUnready()
  const pod = process.env.POD ?? hostname()
  if (pathname !== '/until') return setTimeout(() => response.end(pod), Number(searchParams.get('ms') ?? 0))
  response.write(pod)
  request.resume().on('end', () => {
    if (isUnready) beReady()
    response.end()
  })
}).listen(Number(process.env.PORT), '127.0.0.1', beReady)

// As the first process of a container it would ignore it otherwise.
process.on('SIGTERM', () => {
  beUnready()
  process.exit(0)
})
