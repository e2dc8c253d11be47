import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DockerClient } from './client.ts'

let dir: string
let path: string
let server: Server
let client: DockerClient
let asked: string[]
/** What the Engine says to everything but the ping. */
let answer: RequestListener
let version: string

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-client-'))
  path = join(dir, 'd.sock')
  asked = []
  version = '1.41'
  answer = (_request, response) => response.end('{}')
  server = createServer((request, response) => {
    if (request.url === '/_ping') {
      response.setHeader('api-version', version)
      response.end('OK')
      return
    }
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  server.listen(path)
  await once(server, 'listening')
  client = new DockerClient({ kind: 'unix', path })
})
afterEach(async () => {
  client.close()
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true, force: true })
})

describe('the version', () => {
  it.each([
    ['1.41', 'v1.41'],
    ['1.51', 'v1.51'],
    ['1.99', 'v1.51'],
    ['2.0', 'v1.51'],
  ])('of an Engine that speaks %s is %s', async (theirs, used) => {
    version = theirs
    await client.call({ path: '/info' })
    expect(asked).toEqual([`GET /${used}/info`])
  })

  it('is asked for again after a failure, and what is no Engine is told apart', async () => {
    version = ''
    await expect(client.call({ path: '/info' })).rejects.toThrow('does not answer as Docker does')
    version = '1.45'
    await client.call({ path: '/info' })
    expect(asked).toEqual(['GET /v1.45/info'])
  })
})

describe('a call', () => {
  it("fails with the Engine's own words", async () => {
    answer = (_request, response) => {
      response.statusCode = 409
      response.end('{"message":"it exists"}')
    }
    await expect(client.call({ path: '/x' })).rejects.toMatchObject({ status: 409, message: 'it exists' })
  })

  it('that is refused names the address and the remedy', async () => {
    const nobody = new DockerClient({ kind: 'unix', path: join(dir, 'nobody.sock') })
    await expect(nobody.call({ path: '/x' })).rejects.toMatchObject({
      code: 'scaler/unavailable',
      retryable: true,
      message: expect.stringMatching(/nobody\.sock: .*ENOENT.*; is dockerd running/),
    })
  })

  it('that is aborted ends at once', async () => {
    const abort = new AbortController()
    answer = () => abort.abort()
    await expect(client.call({ path: '/x', signal: abort.signal })).rejects.toMatchObject({
      code: 'scaler/aborted',
    })
  })

  it('hears nothing for too long', async () => {
    answer = () => {}
    await expect(client.call({ path: '/x', silenceMs: 50 })).rejects.toThrow('nothing was heard for 0.05 s')
  })

  it('is repeated on a new connection when the Engine has closed the idle one', async () => {
    await client.call({ path: '/a' })
    let isFirst = true
    answer = (request, response) => {
      if (isFirst) request.socket.destroy()
      else response.end('{"ok":true}')
      isFirst = false
    }
    expect(await client.call({ path: '/b' })).toEqual({ ok: true })
    expect(asked).toEqual(['GET /v1.41/a', 'GET /v1.41/b', 'GET /v1.41/b'])
  })

  it('under way ends when the client is closed, and none begins afterwards', async () => {
    answer = () => client.close()
    await expect(client.call({ path: '/x' })).rejects.toMatchObject({ code: 'scaler/closed' })
    await expect(client.call({ path: '/x' })).rejects.toMatchObject({ code: 'scaler/closed' })
    expect(asked).toHaveLength(1)
  })

  it('gets its lines as they come, however they are cut', async () => {
    answer = (_request, response) => {
      response.write('{"a":1}\n{"b"')
      setImmediate(() => response.end(':2}\n\n{"c":3}'))
    }
    const lines: string[] = []
    await client.lines({ path: '/events' }, (line) => lines.push(line))
    expect(lines).toEqual(['{"a":1}', '{"b":2}', '{"c":3}'])
  })
})
