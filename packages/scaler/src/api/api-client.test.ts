import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ScalerError } from '../error.ts'
import { ApiClient } from './api-client.ts'
import type { ApiTarget } from './api-endpoint.ts'
import { ApiError } from './api-error.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0).reverse()) close()
})

async function served(listener: RequestListener): Promise<{ client: ApiClient; server: Server }> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { client: clientOf((server.address() as AddressInfo).port), server }
}

function clientOf(port: number, target: () => Partial<ApiTarget> = () => ({})): ApiClient {
  const client = new ApiClient({
    platform: 'Testmad',
    hint: 'is it running?',
    target: () => ({ where: 'http://127.0.0.1', host: '127.0.0.1', port, ...target() }),
  })
  open.push(() => client.close())
  return client
}

describe('ApiClient', () => {
  it('sends JSON with a query and returns the JSON of the answer', async () => {
    const { client } = await served(async (req, res) => {
      let body = ''
      for await (const chunk of req) body += chunk
      res.end(JSON.stringify({ method: req.method, url: req.url, body, type: req.headers['content-type'] }))
    })
    expect(await client.call({ method: 'POST', path: '/v1/x', query: { a: 'b c' }, body: { n: 1 } })).toEqual(
      { method: 'POST', url: '/v1/x?a=b+c', body: '{"n":1}', type: 'application/json' },
    )
  })

  it('asks for the target of each request anew: a token may have been renewed', async () => {
    const { server } = await served((req, res) => void res.end(JSON.stringify(req.headers.authorization)))
    let token = 0
    const { port } = server.address() as AddressInfo
    const client = clientOf(port, () => ({ headers: { authorization: `Bearer ${++token}` } }))
    expect(await client.call({ path: '/' })).toBe('Bearer 1')
    expect(await client.call({ path: '/' })).toBe('Bearer 2')
  })

  it.each([
    ['{"message":"no such thing"}', 'no such thing'],
    ['Permission denied\n', 'Permission denied'],
    ['', 'Testmad answered 403'],
  ])("throws an answer that is no success, in the platform's words: %o", async (body, message) => {
    const { client } = await served((_, res) => void res.writeHead(403).end(body))
    const error = await client.call({ path: '/' }).catch((error) => error)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 403, message, what: 'GET /', isDenied: true })
  })

  it('keeps what a refusal says beside its message', async () => {
    const status = { message: 'too many requests', reason: 'TooManyRequests' }
    const { client } = await served(
      (_, res) => void res.writeHead(429, { 'retry-after': '3' }).end(JSON.stringify(status)),
    )
    await expect(client.call({ path: '/' })).rejects.toMatchObject({ body: status, retryAfterMs: 3_000 })
  })

  it('takes a page that is no JSON for no answer: something else stands at that address', async () => {
    const { client } = await served((_, res) => void res.end('<!doctype html><title>Sign in</title>'))
    await expect(client.call({ path: '/' })).rejects.toMatchObject({
      code: 'scaler/unavailable',
      message: expect.stringContaining('the answer is no JSON: "<!doctype html>'),
    })
  })

  it('has nothing to say of an empty answer, and gives those that are no JSON as they are', async () => {
    const { client } = await served((req, res) => {
      res.setHeader('api-version', '1.41')
      res.end(req.url === '/ping' ? 'OK' : '')
    })
    expect(await client.call({ path: '/' })).toBeUndefined()
    const { headers, body } = await client.answer({ path: '/ping' })
    expect([headers['api-version'], `${body}`]).toEqual(['1.41', 'OK'])
  })

  it('passes on why there is nowhere to go', async () => {
    const denied = new ScalerError('scaler/denied', 'cannot read the token')
    const to = (error: unknown) =>
      new ApiClient({ platform: 'Testmad', target: () => Promise.reject(error) }).call({ path: '/' })
    await expect(to(denied)).rejects.toBe(denied)
    await expect(to(new Error('no proxy'))).rejects.toMatchObject({
      code: 'scaler/unavailable',
      message: 'Testmad cannot be reached: no proxy',
    })
  })

  it('says where nobody answers, and what to look at', async () => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await expect(clientOf(port).call({ path: '/' })).rejects.toMatchObject({
      code: 'scaler/unavailable',
      retryable: true,
      message: expect.stringMatching(
        /^Testmad does not answer at http:\/\/127\.0\.0\.1: .*; is it running\?$/,
      ),
    })
  })

  it('gives up on an answer that does not come', async () => {
    const { client } = await served(() => {})
    await expect(client.call({ path: '/', silenceMs: 50 })).rejects.toMatchObject({
      code: 'scaler/unavailable',
      message: expect.stringContaining('nothing was heard for 0.05 s'),
    })
  })

  it('ends a call that is aborted', async () => {
    const { client, server } = await served(() => {})
    const abort = new AbortController()
    const call = client.call({ path: '/', signal: abort.signal })
    await once(server, 'request')
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'scaler/aborted' })
  })

  it('asks once more when a connection was closed as it was used again', async () => {
    let connections = 0
    // The second request on the first connection finds it closed.
    const server = createTcpServer((socket) => {
      let requests = connections++ > 0 ? -10 : 0
      socket.on('data', () => {
        if (++requests > 1) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1')
      })
      open.push(() => socket.destroy())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    open.push(() => server.close())
    const client = clientOf((server.address() as AddressInfo).port)
    expect(await client.call({ path: '/' })).toBe(1)
    expect(await client.call({ path: '/' })).toBe(1)
    expect(connections).toBe(2)
  })

  it('hands over the lines of a stream as they come, whatever pieces they come in', async () => {
    const { client } = await served((_, res) => {
      res.write('{"a":1}\n\n{"b"')
      setImmediate(() => res.end(':2}\nend'))
    })
    const lines: string[] = []
    await client.lines({ path: '/' }, (line) => lines.push(line))
    expect(lines).toEqual(['{"a":1}', '{"b":2}', 'end'])
  })

  it('ends streams and calls when it is closed, and takes no more', async () => {
    const { client } = await served((_, res) => void res.write('one\n'))
    const heard = new Promise<void>((resolve) => {
      const stream = client.lines({ path: '/' }, () => resolve())
      open.push(() => stream.catch(() => {}))
      stream.catch(() => {})
    })
    await heard
    client.close()
    await expect(client.call({ path: '/' })).rejects.toMatchObject({ code: 'scaler/closed' })
  })

  it('talks to a Unix socket', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'brxy-api-'))
    open.push(() => rmSync(dir, { recursive: true }))
    const socketPath = join(dir, 's')
    const server = createServer((_, res) => void res.end('"here"'))
    await once(server.listen(socketPath), 'listening')
    open.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const client = new ApiClient({ platform: 'Testmad', target: () => ({ where: socketPath, socketPath }) })
    open.push(() => client.close())
    expect(await client.call({ path: '/' })).toBe('here')
  })
})
