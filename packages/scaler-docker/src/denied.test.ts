import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import docker from './index.ts'

let dir: string
let server: Server

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-denied-'))
  // As a proxy does that lets only some of the API through, and authorization plugins.
  server = createServer((request, response) => {
    if (request.url === '/_ping') response.setHeader('api-version', '1.44').end('OK')
    else response.writeHead(403).end('<html>Forbidden by rule</html>')
  })
  await once(server.listen(join(dir, 'd.sock')), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true })
})

it.each([
  [{ container: { Image: 'x' } }, 'Docker: GET /v1.44/containers/json: 403 '],
  [{ task: { TaskTemplate: { ContainerSpec: { Image: 'x' } } } }, 'Docker: GET /v1.44/services: 403 '],
  [{ service: 'web' }, 'service "web": '],
])('tells the edge that the Engine denies it: %o', async (options, start) => {
  const host = { owner: 'me', stateDir: dir, changed() {}, log() {} }
  const scaler = docker({ socket: join(dir, 'd.sock') }, host)
  const app = scaler.app('shop', options)
  const denied = { code: 'scaler/denied', message: `${start}<html>Forbidden by rule</html>` }
  try {
    const { signal } = new AbortController()
    await expect(app.observe(signal)).rejects.toMatchObject(denied)
    await expect(app.scale({ want: 0, start: [], remove: [] }, signal)).rejects.toMatchObject(denied)
  } finally {
    await scaler.close()
  }
})
