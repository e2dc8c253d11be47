// What `node:http` is inside a simulation: a server that knows upgrades and nothing else.
export * from 'node:http'

import { Server } from './server.ts'
import type { SimSocket } from './socket.ts'
import { readHead } from './upgrade.ts'

/** As http.createServer(): emits `upgrade` with the request, its socket and the bytes that came behind the head. */
export function createServer(): Server {
  const server = new Server()
  server.on('connection', (socket: SimSocket) => {
    socket.on('error', () => {})
    readHead(socket, (lines, rest) => {
      const [, url] = lines[0].split(' ')
      server.emit('upgrade', { url, headers: fieldsOf(lines.slice(1)) }, socket, rest)
    })
  })
  return server
}

function fieldsOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}
