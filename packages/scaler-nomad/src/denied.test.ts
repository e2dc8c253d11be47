import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import nomad from './index.ts'

let server: Server

beforeEach(async () => {
  server = createServer((_, response) => response.writeHead(403).end('ACL token not found'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it.each(['dispatch', 'count'])('tells the edge that Nomad denies it: mode %s', async (mode) => {
  const { port } = server.address() as AddressInfo
  const host = { owner: 'me', stateDir: '/nonexistent', changed() {}, log() {} }
  const scaler = nomad({ address: `http://127.0.0.1:${port}`, token: 'wrong' }, host)
  const app = scaler.app('shop', { job: 'web', mode })
  const denied = {
    code: 'scaler/denied',
    message: "Nomad: ACL token not found; the token's policy has to allow it",
  }
  const { signal } = new AbortController()
  try {
    await expect(app.observe(signal)).rejects.toMatchObject(denied)
    await expect(app.scale({ want: 0, start: [], remove: [] }, signal)).rejects.toMatchObject(denied)
  } finally {
    await scaler.close()
  }
})
