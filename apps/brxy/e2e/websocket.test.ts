import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers, runToEnd, within } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { linked } from './apps.ts'

const MIB = 1024 * 1024
const OPEN_AT_ONCE = 1_000
const PYTHON_CLIENT = fileURLToPath(new URL('websocket-client.py', import.meta.url))

let edge: EdgeProcess
const sockets: WebSocket[] = []

/** The echoing application behind a linker. */
function echoing(flags: readonly string[] = [], settings: Readonly<Record<string, number>> = {}): string[] {
  const app = fileURLToPath(new URL('websocket-app.mjs', import.meta.url))
  const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return linked([process.execPath, app, ...words], flags)
}

function dial(path = '/', protocols: string[] = []): WebSocket {
  const socket = new WebSocket(`ws://localhost:${edge.port}${path}`, protocols)
  sockets.push(socket)
  return socket
}

async function opened(...args: Parameters<typeof dial>): Promise<WebSocket> {
  const socket = dial(...args)
  await within('the upgrade', once(socket, 'open'))
  return socket
}

/** What comes back for a message. */
async function echoed(
  socket: WebSocket,
  data: string | Buffer,
): Promise<{ data: Buffer; isBinary: boolean }> {
  const answer = once(socket, 'message')
  socket.send(data)
  const [back, isBinary] = await within('the echo', answer, 60_000)
  return { data: back as Buffer, isBinary }
}

async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = await within('the close', once(socket, 'close'))
  return { code, reason: String(reason) }
}

function bytes(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255))
}

const closedAtApp = async (): Promise<number[]> => (await edge.ask('/closed')).json()

/** Clients first: an edge that drains waits for them. */
function hangUp(): void {
  for (const socket of sockets.splice(0)) socket.terminate()
  expect(edge.matching('bug')).toEqual([])
}

describe('a WebSocket', () => {
  beforeAll(async () => {
    edge = await EdgeProcess.start({ command: echoing(['-c', `${OPEN_AT_ONCE + 10}`]) })
  })
  afterEach(hangUp)
  afterAll(async () => {
    await edge.close()
    await expectNoLeftovers()
  })

  it('carries texts and binary messages, each as what it was', async () => {
    const socket = await opened()
    expect(await echoed(socket, 'grüße')).toEqual({ data: Buffer.from('grüße'), isBinary: false })
    expect(await echoed(socket, bytes(1000))).toEqual({ data: bytes(1000), isBinary: true })
    expect(await echoed(socket, '')).toEqual({ data: Buffer.alloc(0), isBinary: false })
  })

  it('carries many messages in their order', async () => {
    const socket = await opened()
    const got: number[] = []
    socket.on('message', (data) => got.push(Number(data)))
    for (let i = 0; i < 2_000; i++) socket.send(`${i}`)
    await eventually('all of them', () => got.length === 2_000)
    expect(got).toEqual([...Array(2_000).keys()])
  })

  it.each([16, 64])('carries a message of %i MiB both ways', async (mebibytes) => {
    const socket = await opened()
    const sent = bytes(mebibytes * MIB)
    const { data } = await echoed(socket, sent)
    expect(data.equals(sent)).toBe(true)
  })

  it('says the subprotocol that the application chose', async () => {
    expect((await opened('/', ['chat.v1', 'chat.v2'])).protocol).toBe('chat.v2')
  })

  it('may be compressed by its ends', async () => {
    const socket = await opened('/deflate')
    expect(socket.extensions).toContain('permessage-deflate')
    const sent = Buffer.alloc(300_000, 'x')
    expect((await echoed(socket, sent)).data.equals(sent)).toBe(true)
  })

  it('carries pings and pongs both ways', async () => {
    const socket = await opened()
    socket.ping('from the client')
    const [pong] = await within('the pong', once(socket, 'pong'))
    expect(String(pong)).toBe('from the client')
    expect(String((await echoed(socket, 'ping server')).data)).toBe('ponged server')
  })

  it('closes with the code and the reason of whoever closed it', async () => {
    const first = await opened()
    first.send('close 4001 enough')
    expect(await closeOf(first)).toEqual({ code: 4001, reason: 'enough' })
    const second = await opened()
    const before = (await closedAtApp()).length
    second.close(4000, 'bye')
    expect(await closeOf(second)).toEqual({ code: 4000, reason: 'bye' })
    await eventually('the application hears of it', async () => (await closedAtApp()).length > before)
    expect((await closedAtApp()).slice(before)).toContain(4000)
    const ends = await Promise.all(
      [1, 2].map((nth) =>
        edge.event('request', ({ status, error }) => status === 101 && error === null, nth),
      ),
    )
    expect(ends[0]).toMatchObject({ method: 'GET', target: '/', app: 'localhost' })
  })

  it('is cut without a close code when either side vanishes', async () => {
    const first = await opened()
    first.send('terminate')
    expect((await closeOf(first)).code).toBe(1006)
    const second = await opened()
    const before = (await closedAtApp()).length
    second.terminate()
    await eventually('the application hears of it', async () => (await closedAtApp()).length > before)
    expect((await closedAtApp()).slice(before)).toContain(1006)
  })

  it('is an ordinary answer if the application declines it', async () => {
    const socket = dial('/forbidden')
    socket.on('error', () => {})
    const [, response] = await within('the answer', once(socket, 'unexpected-response'))
    expect(response.statusCode).toBe(403)
  })

  it(`is one of ${OPEN_AT_ONCE} at once, on one instance that says it can take them`, async () => {
    const all = await Promise.all(Array.from({ length: OPEN_AT_ONCE }, () => opened()))
    const answers = await Promise.all(all.map((socket, i) => echoed(socket, `number ${i}`)))
    expect(answers.map(({ data }) => String(data))).toEqual(all.map((_, i) => `number ${i}`))
    const { apps } = await edge.status()
    expect(apps[0].instances).toHaveLength(1)
    expect(apps[0].instances[0].busy).toBeGreaterThanOrEqual(OPEN_AT_ONCE)
  })

  it.skipIf(!hasPythonModule('websockets'))('is spoken with Python, too', async () => {
    const { code, stdout, stderr } = await runToEnd('python3', [
      PYTHON_CLIENT,
      `ws://localhost:${edge.port}/`,
    ])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      text: 'grüße',
      isSame: true,
      protocol: 'chat.v2',
      close: [4002, 'done'],
    })
  })
})

describe('a WebSocket of an application with one slot', () => {
  afterEach(async () => {
    hangUp()
    await edge.close()
    await expectNoLeftovers()
  })

  it('is held through a cold start', async () => {
    edge = await EdgeProcess.start({ command: echoing([], { startMs: 700 }) })
    const socket = await opened()
    expect(String((await echoed(socket, 'awake')).data)).toBe('awake')
    socket.close()
    const event = await edge.event('request', ({ status }) => status === 101)
    expect(event.heldMs).toBeGreaterThan(600)
  })

  it('takes the slot until it is closed, so that the next one starts a copy', async () => {
    edge = await EdgeProcess.start({ flags: ['--max', '2'], command: echoing() })
    const first = await opened()
    const second = await opened()
    expect(edge.matching('launching').length).toBe(2)
    const third = dial()
    await eventually('the third is held', async () => (await edge.status()).apps[0].held.count === 1)
    first.close()
    await within('the upgrade of the third', once(third, 'open'))
    expect(String((await echoed(second, 'still here')).data)).toBe('still here')
  })

  it('frees the slot when its client vanishes', async () => {
    edge = await EdgeProcess.start({ flags: ['--max', '1'], command: echoing() })
    const first = await opened()
    first.terminate()
    expect(String((await echoed(await opened(), 'next')).data)).toBe('next')
  })

  it('is cut when the application dies, and the next one gets a new copy', async () => {
    edge = await EdgeProcess.start({ command: echoing() })
    const first = await opened()
    first.on('error', () => {})
    await echoed(first, 'proof')
    first.send('die')
    expect((await closeOf(first)).code).toBe(1006)
    expect(String((await echoed(await opened(), 'again')).data)).toBe('again')
  })

  it('is cut at the end of the drain, not before', async () => {
    edge = await EdgeProcess.start({ flags: ['--drain', '1s'], command: echoing() })
    const socket = await opened()
    socket.on('error', () => {})
    const closing = closeOf(socket)
    edge.signal('SIGTERM')
    await edge.event('draining')
    expect(String((await echoed(socket, 'during')).data)).toBe('during')
    expect((await closing).code).toBe(1006)
    expect(await edge.ends()).toEqual({ code: 0, signal: null })
  })
})

/** As hasPeer does for programs: a missing one is said aloud, and a failure where BRXY_REQUIRE_PEERS=1. */
function hasPythonModule(name: string): boolean {
  if (spawnSync('python3', ['-c', `import ${name}`]).status === 0) return true
  if (process.env.BRXY_REQUIRE_PEERS === '1')
    throw new Error(`the Python module ${name} is not installed, and BRXY_REQUIRE_PEERS=1`)
  process.stderr.write(`SKIPPED: tests with the Python module ${name}, which is not installed\n`)
  return false
}
