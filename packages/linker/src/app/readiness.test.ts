import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freePort } from './port.ts'
import { probe } from './probe.ts'
import { type AppProcess, startApp } from './process.ts'
import { within } from './processes.testkit.ts'
import { waitUntilListening } from './readiness.ts'

vi.setConfig({ testTimeout: 20_000 }) // real processes on a busy machine

const ROOT = { path: '/', h2c: false }
const ROOT_H2 = { path: '/up?x=1', h2c: true }

const apps: AppProcess[] = []
const servers: Server[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
  await Promise.all(apps.splice(0).map((app) => app.stop(0)))
})

/** Starts a Node application; `script` finds its port in `port` and node:net and node:http by these names. */
async function app(script: string): Promise<{ app: AppProcess; port: number }> {
  const port = await freePort(Math.random)
  const prelude = `const net = require('node:net'), http = require('node:http'), port = +process.env.PORT;`
  const started = await startApp({
    argv: [process.execPath, '-e', prelude + script],
    port,
    env: process.env,
    onOutput() {},
  })
  apps.push(started)
  return { app: started, port }
}

async function listening(server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const web = (listener: RequestListener) => listening(createHttpServer(listener))
const soon = () => AbortSignal.timeout(10_000)

describe('waiting', () => {
  test('finds an application that listens on ::1 only', async () => {
    const { port } = await app(`net.createServer().listen({ port, host: '::1', ipv6Only: true })`)
    const found = await waitUntilListening({ port, signal: soon() })
    expect(found.address).toBe('::1')
  })

  test('prefers 127.0.0.1 when the application listens on both', async () => {
    const { port } = await app(`net.createServer().listen({ port, host: '::' })`)
    expect((await waitUntilListening({ port, signal: soon() })).address).toBe('127.0.0.1')
  })

  test('waits for one that listens late, and says how long that took', async () => {
    const { port } = await app(`setTimeout(() => net.createServer().listen(port, '127.0.0.1'), 300)`)
    const { address, tookMs } = await waitUntilListening({ port, signal: soon() })
    expect(address).toBe('127.0.0.1')
    expect(tookMs).toBeGreaterThan(250)
  })

  test('waits until the health page no longer answers 503', async () => {
    const { port } = await app(`
      let asked = 0
      http.createServer((request, response) => {
        response.statusCode = request.url === '/up?x=1' && ++asked > 3 ? 200 : 503
        response.end(String(asked))
      }).listen(port, '127.0.0.1')`)
    await waitUntilListening({ port, health: { path: '/up?x=1', h2c: false }, signal: soon() })
    const response = await fetch(`http://127.0.0.1:${port}/count`)
    expect(await response.text()).toBe('4')
  })

  test('ends with the reason of the signal when the application exits first', async () => {
    const { app: dying, port } = await app('setTimeout(() => process.exit(4), 100)')
    const controller = new AbortController()
    dying.exited.then((exit) => controller.abort(exit))
    await expect(waitUntilListening({ port, signal: controller.signal })).rejects.toEqual({
      code: 4,
      signal: null,
    })
  })

  test('ends at once, even with a health page that has been asked and does not answer', async () => {
    const controller = new AbortController()
    const port = await web(() => controller.abort(new Error('too late')))
    const waiting = waitUntilListening({ port, health: { path: '/', h2c: false }, signal: controller.signal })
    await expect(within(1_000, 'ended', waiting)).rejects.toThrow('too late')
  })

  test('does not begin when the signal was aborted before', async () => {
    const port = await web((_request, response) => response.end())
    await expect(waitUntilListening({ port, signal: AbortSignal.abort('no') })).rejects.toBe('no')
  })
})

describe('a probe', () => {
  test('closes its connection at once and sends nothing', async () => {
    const received: Buffer[] = []
    let onClosed: (value: unknown) => void
    const closed = new Promise((resolve) => {
      onClosed = resolve
    })
    const port = await listening(
      createServer((socket) => socket.on('data', (chunk) => received.push(chunk)).on('close', onClosed)),
    )
    expect(await probe('127.0.0.1', port)).toBe(true)
    await within(1_000, 'closed', closed)
    expect(received).toEqual([])
  })

  test('fails where nobody listens', async () => {
    const port = await freePort(Math.random)
    expect(await probe('127.0.0.1', port)).toBe(false)
    expect(await probe('127.0.0.1', port, ROOT)).toBe(false)
  })

  test.each([
    { status: 200, ready: true },
    { status: 204, ready: true },
    { status: 302, ready: true },
    { status: 404, ready: false },
    { status: 500, ready: false },
  ])('of a health page that answers $status: $ready', async ({ status, ready }) => {
    let host: string | undefined
    const port = await web((request, response) => {
      host = request.headers.host
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    expect(await probe('127.0.0.1', port, ROOT)).toBe(ready)
    expect(host).toBe(`localhost:${port}`)
  })

  test('of a health page says first whose connection it is, to an application that wants to know', async () => {
    let received = ''
    const port = await listening(
      createServer((socket) =>
        socket.on('data', (chunk) => {
          received += chunk.toString('latin1')
          if (received.endsWith('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        }),
      ),
    )
    const preface = Buffer.from('PROXY UNKNOWN\r\n')
    expect(await probe('127.0.0.1', port, { path: '/up', h2c: false, preface })).toBe(true)
    expect(received).toMatch(/^PROXY UNKNOWN\r\nGET \/up HTTP\/1\.1\r\n/i)
    received = ''
    await waitUntilListening({ port, health: { path: '/', h2c: false, preface }, signal: soon() })
    expect(received).toMatch(/^PROXY UNKNOWN\r\nGET \/ /)
  })

  test('fails when what answers is not HTTP', async () => {
    const port = await listening(createServer((socket) => socket.end('SSH-2.0-x\r\n')))
    expect(await probe('127.0.0.1', port, ROOT)).toBe(false)
  })

  test('is over only when the health page has been read, so that it is no second request', async () => {
    let sent = false
    const port = await web((_request, response) => {
      response.write('first')
      setTimeout(() => {
        sent = true
        response.end('last')
      }, 50)
    })
    expect(await probe('127.0.0.1', port, ROOT)).toBe(true)
    expect(sent).toBe(true)
  })

  test('does not read an endless health page', async () => {
    const port = await web((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) {}
      }
      response.on('drain', more)
      more()
    })
    expect(await within(2_000, 'answered', probe('127.0.0.1', port, ROOT))).toBe(true)
  })
})

describe('one question over HTTP/2', () => {
  test.each([
    { status: 204, ready: true },
    { status: 302, ready: true },
    { status: 404, ready: false },
  ])('of a health page that answers $status: $ready', async ({ status, ready }) => {
    const asked: (string | undefined)[] = []
    const server = createHttp2Server((request, response) => {
      asked.push(request.method, request.url, request.authority)
      response.writeHead(status).end('read to its end')
    })
    const port = await listening(server)
    expect(await probe('127.0.0.1', port, ROOT_H2)).toBe(ready)
    expect(asked).toEqual(['GET', '/up?x=1', `localhost:${port}`])
  })

  test('fails when what answers is HTTP/1.1, or nothing', async () => {
    const port = await web((_request, response) => response.end('ok'))
    expect(await probe('127.0.0.1', port, ROOT_H2)).toBe(false)
    expect(await probe('127.0.0.1', await freePort(Math.random), ROOT_H2)).toBe(false)
  })

  test('does not read an endless health page', async () => {
    const server = createHttp2Server((_request, response) => {
      const more = () => {
        while (!response.stream.destroyed && response.write(Buffer.alloc(16_384))) {}
      }
      response.on('drain', more)
      more()
    })
    const port = await listening(server)
    expect(await within(2_000, 'answered', probe('127.0.0.1', port, ROOT_H2))).toBe(true)
  })

  test('is given up with the waiting', async () => {
    const port = await listening(createHttp2Server(() => {}))
    const controller = new AbortController()
    const waiting = waitUntilListening({ port, health: ROOT_H2, signal: controller.signal })
    const refused = expect(waiting).rejects.toThrow('enough')
    controller.abort(new Error('enough'))
    await refused
  })
})
