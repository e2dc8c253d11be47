import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import docker from './index.ts'

let dir: string
let server: Server
let answer: (response: ServerResponse) => void

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-absent-'))
  server = createServer((request, response) => {
    if (request.url === '/_ping') response.setHeader('api-version', '1.44').end('OK')
    else if (request.url?.includes('/services/')) answer(response)
    else response.setHeader('content-type', 'application/json').end('[]')
  })
  await once(server.listen(join(dir, 'd.sock')), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true })
})

const service = (Mode: object, Condition: string) => (response: ServerResponse) => {
  const Spec = { Name: 'web', Mode, TaskTemplate: { RestartPolicy: { Condition } } }
  const body = { ID: 's', Version: { Index: 1 }, CreatedAt: '2026-11-22T22:00:00Z', Spec }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}

it.each([
  [
    'is not there',
    (response: ServerResponse) => response.writeHead(404).end('{"message":"service web not found"}'),
    'service "web": service web not found: create it first, without replicas',
  ],
  [
    'has no number',
    service({ Global: {} }, 'none'),
    'service "web" is not replicated, so it has no number of replicas to change',
  ],
  [
    'restarts its tasks',
    service({ Replicated: { Replicas: 0 } }, 'any'),
    'service "web" restarts its tasks (any), so none can leave: docker service update --restart-condition none',
  ],
])('a service that %s is for the operator to mend', async (_, answered, message) => {
  answer = answered
  const host = { owner: 'me', stateDir: dir, changed() {}, log() {} }
  const scaler = docker({ socket: join(dir, 'd.sock') }, host)
  try {
    const app = scaler.app('shop', { service: 'web' })
    const call = app.scale({ want: 1, start: [], remove: [] }, new AbortController().signal)
    await expect(call).rejects.toMatchObject({ code: 'scaler/invalid', message, retryable: false })
  } finally {
    await scaler.close()
  }
})
