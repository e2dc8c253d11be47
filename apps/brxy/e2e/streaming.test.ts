import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import {
  begin,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  peakMemoryBytes,
  within,
} from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'

const MIB = 1024 * 1024
/** Larger than what either process may hold. BULK_MIB=1024 is what docs/performance.md has. */
const BULK_BYTES = Number(process.env.BULK_MIB ?? 300) * MIB
/** Node itself takes 50 to 60 MiB of it. */
const MAX_MEMORY_BYTES = 150 * MIB

let edge: EdgeProcess

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers()
})

/** The bytes that app.mjs sends, as blocks of 64 KiB. */
const BLOCK = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 255))

function bulkHash(): string {
  const hash = createHash('sha256')
  for (let left = BULK_BYTES; left > 0; left -= BLOCK.length) hash.update(BLOCK)
  return hash.digest('hex')
}

/** Waits until a number is the same ten times in a row, and no longer 0. Each look takes a request's time. */
function standstill(look: () => Promise<number>): Promise<number> {
  let before = -1
  let same = 0
  return eventually('standstill', async () => {
    const now = await look()
    same = now === before ? same + 1 : 0
    before = now
    return same === 10 && now
  })
}

/** Neither process has ever held more than a small part of what went through it. */
async function expectLittleMemory(): Promise<void> {
  const [ofEdge, ofLinker] = [edge.pid, await edge.linkerPid()].map(peakMemoryBytes)
  const inMebibytes = (bytes: number) => `${Math.round(bytes / MIB)} MiB`
  if (process.env.BULK_MIB !== undefined)
    console.log(`at most: edge ${inMebibytes(ofEdge)}, linker ${inMebibytes(ofLinker)}`)
  expect(ofEdge, 'memory of the edge').toBeLessThan(MAX_MEMORY_BYTES)
  expect(ofLinker, 'memory of the linker').toBeLessThan(MAX_MEMORY_BYTES)
}

function responseTo(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    begin(edge.port, path).on('error', reject).on('response', resolve).end()
  })
}

async function download(path: string): Promise<{ bytes: number; hash: string; response: IncomingMessage }> {
  const hash: Hash = createHash('sha256')
  const response = await responseTo(path)
  let bytes = 0
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length
    hash.update(chunk as Buffer)
  }
  return { bytes, hash: hash.digest('hex'), response }
}

function upload(headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = begin(edge.port, '/', { method: 'POST', headers })
    request.on('error', reject).on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve(text)
    })
    let left = BULK_BYTES
    const write = () => {
      for (; left > 0; left -= BLOCK.length) {
        if (!request.write(BLOCK)) {
          left -= BLOCK.length
          request.once('drain', write)
          return
        }
      }
      request.end()
    }
    write()
  })
}

describe('bodies larger than memory would allow', () => {
  it('come down with a known length and chunked, byte for byte', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('bulk')) })
    const hash = bulkHash()
    const known = await download(`/known/${BULK_BYTES}`)
    expect(known).toMatchObject({ bytes: BULK_BYTES, hash })
    expect(known.response.headers['content-length']).toBe(String(BULK_BYTES))
    const chunked = await download(`/chunked/${BULK_BYTES}`)
    expect(chunked).toMatchObject({ bytes: BULK_BYTES, hash })
    expect(chunked.response.headers['transfer-encoding']).toBe('chunked')
    await expectLittleMemory()
  })

  it('go up with a known length and chunked, byte for byte', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('bulk')) })
    const expected = `${BULK_BYTES} ${bulkHash()}`
    // The first is held while the application starts.
    expect(await upload({ 'content-length': String(BULK_BYTES) })).toBe(expected)
    expect(await upload({ 'transfer-encoding': 'chunked' })).toBe(expected)
    await expectLittleMemory()
  })
})

describe('a client that reads slowly', () => {
  it('makes the application wait, and nobody in between store what it does not read', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('bulk'), ['-c', '2']) })
    const socket = connect(edge.port, '127.0.0.1')
    socket.write(`GET /chunked/${BULK_BYTES} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    const head = await within(
      'the response head',
      new Promise<Buffer>((resolve) => socket.once('data', resolve)),
    )
    socket.pause()
    expect(head.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    const written = await standstill(async () => Number((await edge.ask('/written')).text))
    expect(written).toBeLessThan(BULK_BYTES / 3)
    await expectLittleMemory()
    // And goes on when the client does.
    socket.resume()
    await eventually(
      'the application goes on',
      async () => Number((await edge.ask('/written')).text) > written,
    )
    socket.destroy()
    await eventually('the application hears of the end', async () => (await edge.ask('/gone')).text === '1')
  })
})

describe('an application that reads slowly', () => {
  it('makes the client wait, and nobody in between store what it does not read', async () => {
    const app = linked(nodeApp('bulk'), ['-c', '2'], { BRXY_ABORT_LINGER: '200ms' })
    edge = await EdgeProcess.start({ flags: ['--drain', '100ms'], command: app })
    const socket = connect(edge.port, '127.0.0.1').on('error', () => {})
    socket.write(`POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${BULK_BYTES}\r\n\r\n`)
    const write = () => {
      while (socket.write(BLOCK));
    }
    socket.on('drain', write)
    write()
    const taken = await standstill(async () => {
      await edge.ask('/written')
      return socket.bytesWritten - socket.writableLength
    })
    expect(taken).toBeLessThan(BULK_BYTES / 3)
    await expectLittleMemory()
    // Nobody can see this through a connection that is full; the end of the edge cuts it off.
    socket.destroy()
  })
})

describe('streaming', () => {
  it('brings the first part of a response before the application has made the second', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('halves'), ['-c', '2']) })
    const parts = (await responseTo('/'))[Symbol.asyncIterator]()
    expect(String((await within('the first part', parts.next())).value)).toBe('first')
    // Only now does the application learn that it may go on.
    expect((await edge.ask('/release')).text).toBe('released')
    expect(String((await within('the second part', parts.next())).value)).toBe('second')
    expect((await parts.next()).done).toBe(true)
  })
})

describe('a client that goes away', () => {
  it('before the response: the application hears of it, and the slot is free for the next request', async () => {
    edge = await EdgeProcess.start({
      command: linked(nodeApp('silent'), ['-c', '2'], { BRXY_ABORT_LINGER: '200ms' }),
    })
    for (let count = 1; count <= 3; count++) {
      const request = begin(edge.port, `/${count}`).on('error', () => {})
      request.end()
      await edge.event(`asked /${count}`)
      request.destroy()
      await eventually(`${count} clients gone`, async () => (await edge.ask('/gone')).text === `${count}`)
    }
    expect(edge.matching('launching').length).toBe(1)
    // Both slots are free again: two at once are served without another copy.
    const both = await Promise.all([edge.ask('/gone'), edge.ask('/gone')])
    expect(both.map(({ text }) => text)).toEqual(['3', '3'])
    expect(edge.matching('launching').length).toBe(1)
  })

  it('in the middle of a response: the application hears of it', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('bulk'), ['-c', '2']) })
    const response = await responseTo(`/known/${BULK_BYTES}`)
    response.on('error', () => {})
    response.once('data', () => response.destroy())
    await eventually('the application hears of it', async () => (await edge.ask('/gone')).text === '1')
    expect((await edge.event('request', ({ error }) => error === 'client gone')).status).toBe(200)
  })

  it('while it is held: it is forgotten, and never reaches the application', async () => {
    edge = await EdgeProcess.start({
      flags: ['--max', '1'],
      command: linked(nodeApp('silent'), [], { BRXY_ABORT_LINGER: '200ms' }),
    })
    const running = begin(edge.port, '/running').on('error', () => {})
    running.end()
    await edge.event('asked /running')
    const held = begin(edge.port, '/held').on('error', () => {})
    held.end()
    const isHeld = async (count: number) => (await edge.status()).apps[0].held.count === count
    await eventually('it is held', () => isHeld(1))
    held.destroy()
    await eventually('it is forgotten', () => isHeld(0))
    running.destroy()
    expect((await edge.ask('/gone')).text).toBe('1')
    expect(edge.matching('asked /held')).toEqual([])
  })
})
