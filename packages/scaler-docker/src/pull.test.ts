import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host } from '@brxy/scaler'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DockerClient } from './client.ts'
import { hasTag, Puller } from './pull.ts'
import { registryHeaders } from './registry-auth.ts'

const HOST: Host = { owner: 'me', stateDir: '/nonexistent', changed: () => {}, log: () => {} }

let dir: string
let server: Server
let client: DockerClient
let asked: IncomingMessage[]
let answer: (response: ServerResponse) => void

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-pull-'))
  asked = []
  server = createServer((request, response) => {
    if (request.url === '/_ping') response.setHeader('api-version', '1.41').end()
    else {
      asked.push(request)
      answer(response)
    }
  })
  server.listen(join(dir, 'd.sock'))
  await once(server, 'listening')
  client = new DockerClient({ kind: 'unix', path: join(dir, 'd.sock') })
})
afterEach(() => {
  client.close()
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true, force: true })
})

it('finds the error that comes in the middle of a success', async () => {
  answer = (response) => {
    response.write('{"status":"Pulling from shop"}\n')
    response.end('{"errorDetail":{"message":"toomanyrequests: slow down"},"error":"toomanyrequests"}\n')
  }
  expect(await new Puller(client, HOST).pull('shop', {})).toEqual({
    code: 'image',
    message: 'cannot pull shop: toomanyrequests: slow down',
    final: true,
  })
})

it('pulls once for all who wait, one tag, with the credentials', async () => {
  answer = (response) => response.end('{"status":"Downloaded"}\n')
  const headers = registryHeaders({
    username: 'me',
    password: 'öl',
    identityToken: undefined,
    server: 'r.example',
  })
  const puller = new Puller(client, HOST)
  expect(
    await Promise.all([
      puller.pull('r.example:5000/shop', headers),
      puller.pull('r.example:5000/shop', headers),
    ]),
  ).toEqual([undefined, undefined])
  expect(asked).toHaveLength(1)
  expect(asked[0].url).toBe('/v1.41/images/create?fromImage=r.example%3A5000%2Fshop%3Alatest')
  const auth = Buffer.from(asked[0].headers['x-registry-auth'] as string, 'base64url').toString()
  expect(JSON.parse(auth)).toEqual({ username: 'me', password: 'öl', serveraddress: 'r.example' })
})

it('sends no credentials where there are none, and a token instead of a password', () => {
  expect(registryHeaders(undefined)).toEqual({})
  const { 'X-Registry-Auth': auth } = registryHeaders({
    username: undefined,
    password: undefined,
    identityToken: 't',
    server: undefined,
  })
  expect(JSON.parse(Buffer.from(auth, 'base64url').toString())).toEqual({ identitytoken: 't' })
})

it.each([
  ['shop', false],
  ['shop:1', true],
  ['r:5000/shop', false],
  ['r:5000/shop:1', true],
  ['shop@sha256:abc', true],
])('%s has a tag or digest: %s', (image, expected) => {
  expect(hasTag(image)).toBe(expected)
})
