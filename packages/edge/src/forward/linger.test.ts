import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { TimerWheel } from '@brxy/protocol/transport'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { edgeOptions } from '../settings.ts'
import { Linger } from './linger.ts'

let server: Server
let edgeSide: Socket
let client: Socket

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  ;[edgeSide] = (await accepted) as [Socket]
  edgeSide.on('error', () => {})
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
  client.destroy()
  edgeSide.destroy()
  server.close()
})

/** Lets sockets do what they can do now; time stands still. */
async function io(until: () => boolean): Promise<void> {
  for (let turns = 0; turns < 100_000 && !until(); turns++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(until()).toBe(true)
}

/** Those of an edge that says nothing. */
const limits = () => ({ wheel: new TimerWheel(), options: edgeOptions({}) })

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('Linger', () => {
  it('ends the connection with FIN behind what was written, and is over when the client closes too', async () => {
    const received: string[] = []
    client.on('data', (data) => received.push(data.toString()))
    client.on('end', () => {
      received.push('FIN')
      client.end()
    })
    edgeSide.write('bye')
    new Linger(edgeSide, limits())
    await io(() => edgeSide.destroyed)
    expect(received).toEqual(['bye', 'FIN'])
  })

  it('cuts a client that does not close, 10 s later', async () => {
    new Linger(edgeSide, limits())
    await io(() => edgeSide.writableFinished)
    await pass(9_900)
    expect(edgeSide.destroyed).toBe(false)
    await pass(200)
    expect(edgeSide.destroyed).toBe(true)
  })

  it('cuts it sooner when the edge drains, also one that lingers already', async () => {
    const linger = new Linger(edgeSide, limits())
    await io(() => edgeSide.writableFinished)
    await pass(500)
    linger.hurry()
    await pass(900)
    expect(edgeSide.destroyed).toBe(false)
    await pass(200)
    expect(edgeSide.destroyed).toBe(true)
  })

  it('reads 256 KiB of what still comes and no more, and loses nothing of what was written', async () => {
    let received = 0
    let isReset = false
    client.on('error', () => {
      isReset = true
    })
    client.pause()
    const bytes = 8 * 1024 * 1024
    edgeSide.write(Buffer.alloc(bytes))
    const linger = new Linger(edgeSide, limits())
    edgeSide.on('data', (data) => linger.onInput(data.length))
    // It sends until nobody takes any more, and only then looks at what it was sent.
    client.write(Buffer.alloc(64 * 1024 * 1024))
    await io(() => edgeSide.bytesRead > 256 * 1024)
    client.on('data', (data) => {
      received += data.length
    })
    client.resume()
    await io(() => received === bytes)
    await io(() => edgeSide.writableFinished)
    // What was read in one go.
    expect(edgeSide.bytesRead).toBeLessThan(256 * 1024 + 2 * 65_536)
    await pass(900)
    expect([edgeSide.destroyed, isReset]).toEqual([false, false])
    await pass(200)
    expect(edgeSide.destroyed).toBe(true)
  })

  it('waits for a client that takes its time with what it was sent, as long as it takes some', async () => {
    client.pause()
    // More than two kernels take.
    for (let i = 0; i < 64; i++) edgeSide.write(Buffer.alloc(1024 * 1024))
    new Linger(edgeSide, limits())
    const waiting = edgeSide.writableLength
    expect(waiting).toBeGreaterThan(0)
    await pass(59_000)
    client.resume()
    await io(() => edgeSide.writableLength < waiting)
    client.pause()
    await pass(59_000)
    expect(edgeSide.destroyed).toBe(false)
  })

  it('resets a client that takes nothing for 60 s', async () => {
    let reset = false
    client.on('error', () => {
      reset = true
    })
    // A RST behind data may look like an end; a write finds out.
    client.on('end', () => client.write('x'))
    client.pause()
    for (let i = 0; i < 64; i++) edgeSide.write(Buffer.alloc(1024 * 1024))
    await io(() => edgeSide.writableLength > 0)
    let length = 0
    // Until the kernels are full.
    await io(() => {
      const isSame = length === edgeSide.writableLength
      length = edgeSide.writableLength
      return isSame
    })
    new Linger(edgeSide, limits())
    await pass(59_900)
    expect(edgeSide.destroyed).toBe(false)
    await pass(200)
    expect(edgeSide.destroyed).toBe(true)
    client.resume()
    await io(() => reset)
  })
})
