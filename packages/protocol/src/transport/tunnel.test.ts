import { createHash, type Hash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { BODY_KNOWN, BODY_NONE } from '../frame.ts'
import { parseHex, referenceDecode } from '../reference-codec.testkit.ts'
import { EdgeSession } from '../session/edge-session.ts'
import { EdgeLog, openStream, StreamLog, sendHead } from '../session/log.testkit.ts'
import { seededRandom } from '../session/pair.testkit.ts'
import type { Stream } from '../session/stream.ts'
import { WindowBudget } from '../session/window.ts'
import { TimerWheel } from './timer-wheel.ts'
import { connectSockets, TunnelPair, within } from './tunnel.testkit.ts'
import { Tunnel } from './tunnel.ts'

const MiB = 1024 * 1024
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function connect(...args: Parameters<typeof TunnelPair.connect>): Promise<TunnelPair> {
  const pair = await TunnelPair.connect(...args)
  closers.push(() => pair.close())
  return pair
}

/** Hashes instead of keeping. */
class HashLog extends StreamLog {
  readonly hash: Hash = createHash('sha1')

  override onData(buffer: Buffer, from: number, to: number): void {
    this.receivedBytes += to - from
    this.hash.update(buffer.subarray(from, to))
    this.stream?.consumed(to - from, this.now())
    this.hooks.data?.()
  }
}

/** Writes `bytes` bytes that depend on seed and place, in pieces of random sizes, and hashes them. */
function pour(
  stream: Stream,
  log: StreamLog,
  bytes: number,
  seed: number,
  hash: Hash,
  largest = 64 * 1024,
): void {
  const random = seededRandom(seed)
  let left = bytes
  let buffer = Buffer.alloc(largest)
  const more = () => {
    while (left > 0) {
      const take = Math.min(left, 1 + Math.floor(random() * largest))
      for (let i = 0; i < take; i += 16) buffer[i] = Math.floor(random() * 256)
      left -= take
      hash.update(buffer.subarray(0, take))
      const wentOut = stream.write(buffer, 0, take)
      // Only then is it ours again; else what was sent would change under the socket.
      buffer = stream.retained ? Buffer.alloc(largest) : buffer.fill(0xdd)
      if (!wentOut) return
    }
    if (!stream.localEnd) stream.end()
  }
  log.hooks.writable = more
  more()
}

const ended = (log: StreamLog) =>
  within<void>('the end of a stream', (resolve) => {
    log.hooks.end = resolve
  })

describe('two tunnels over a real WebSocket', () => {
  it('carry 64 MiB on one stream while small streams keep answering', async () => {
    const pair = await connect(1000)
    const sent = createHash('sha1')
    pair.linkerLog.onOpened = (stream, log) => {
      if (stream.id === 1) {
        sendHead(pair.linker, stream, {})
        pour(stream, log, 64 * MiB, 1, sent, 256 * 1024)
      } else {
        sendHead(pair.linker, stream, { body: BODY_KNOWN, length: 5 })
        stream.write(Buffer.from('hello'), 0, 5)
      }
    }
    const bulk = new HashLog(pair.wheel.now)
    const bulkEnded = ended(bulk)
    openStream(pair.edge, bulk, { body: BODY_NONE })
    let answered = 0
    while (!bulk.events.includes('end') && answered < 900) {
      const small = new StreamLog(pair.wheel.now)
      const smallEnded = ended(small)
      openStream(pair.edge, small, { body: BODY_NONE })
      await smallEnded
      expect(small.bytes.toString()).toBe('hello')
      answered++
    }
    const atMost = bulk.receivedBytes
    await bulkEnded
    expect(bulk.receivedBytes).toBe(64 * MiB)
    expect(bulk.hash.digest('hex')).toBe(sent.digest('hex'))
    // They did not wait for the bulk: dozens passed meanwhile.
    expect(answered).toBeGreaterThan(20)
    expect(atMost).toBeGreaterThan(0)
    expect([pair.bugs.edge, pair.bugs.linker]).toEqual([[], []])
  })

  it.each([
    ['with a zero mask', true],
    ['with random masks', false],
  ])('never change a byte, whatever is reused: both directions at once, %s', async (_name, zeroMask) => {
    const pair = await connect(500, { zeroMask })
    const random = seededRandom(7)
    const sentDown: Hash[] = []
    const receivedUp: HashLog[] = []
    pair.linkerLog.onOpen = (stream) => {
      const log = new HashLog(pair.wheel.now)
      log.stream = stream
      stream.handler = log
      receivedUp[stream.id] = log
      sentDown[stream.id] = createHash('sha1')
      sendHead(pair.linker, stream, { head: 'h'.repeat(1 + Math.floor(random() * 3000)) })
      pour(stream, log, 1 + Math.floor(random() * 300 * 1024), stream.id, sentDown[stream.id])
    }
    const ends: Promise<void>[] = []
    const up: Hash[] = []
    const down: HashLog[] = []
    for (let id = 1; id <= 200; id++) {
      const log = new HashLog(pair.wheel.now)
      ends.push(ended(log))
      const stream = openStream(pair.edge, log, { head: 'h'.repeat(1 + Math.floor(random() * 3000)) })
      up[id] = createHash('sha1')
      down[id] = log
      pour(stream, log, 1 + Math.floor(random() * 300 * 1024), id + 1000, up[id])
      // Sometimes let the loop turn, so that flushes fall between.
      if (id % 20 === 0) await ends[Math.floor(random() * ends.length)]
    }
    await Promise.all(ends)
    pair.edge.goaway('edge/test', '', true)
    await pair.linkerClosed
    for (let id = 1; id <= 200; id++) {
      expect(down[id].hash.digest('hex')).toBe(sentDown[id].digest('hex'))
      if (receivedUp[id].events.includes('end')) {
        expect(receivedUp[id].hash.digest('hex')).toBe(up[id].digest('hex'))
      }
    }
    expect(receivedUp.filter((log) => log.events.includes('end')).length).toBeGreaterThan(100)
    expect([pair.bugs.edge, pair.bugs.linker]).toEqual([[], []])
  })

  it('never change a byte that waits in the socket of a slow reader', async () => {
    const wide = { windowBytes: 32 * MiB, maxWindowBytes: 32 * MiB, maxInFlightBytes: 32 * MiB }
    const pair = await connect(1, { edge: wide, linker: wide })
    const log = new StreamLog(pair.wheel.now)
    const stream = openStream(pair.edge, log, {})
    const far = new HashLog(pair.wheel.now)
    await within<void>('the OPEN', (resolve) => {
      pair.linkerLog.onOpen = (opened) => {
        far.stream = opened
        opened.handler = far
        resolve()
      }
    })
    pair.sockets.clientSocket.pause()
    const sent = createHash('sha1')
    // Small ones, which are copied into the slab, over many flushes that the kernel does not take any more.
    for (let i = 0, waiting = 0; waiting < 500; i++) {
      const bytes = Buffer.alloc(1 + ((i * 97) % 4096), i)
      sent.update(bytes)
      stream.write(bytes, 0, bytes.length)
      if (i % 3 === 0) await new Promise<void>((resolve) => void setImmediate(resolve))
      if (pair.sockets.server.bufferedAmount > 0) waiting++
      expect(i).toBeLessThan(15_000)
    }
    stream.end()
    const complete = ended(far)
    pair.sockets.clientSocket.resume()
    await complete
    expect(far.hash.digest('hex')).toBe(sent.digest('hex'))
  })

  it('end together at a GOAWAY, which arrives before the close and after what was sent', async () => {
    const pair = await connect(1)
    const log = new StreamLog(pair.wheel.now)
    const stream = openStream(pair.edge, log, {})
    const closes: number[] = []
    const closed = [pair.sockets.server, pair.sockets.client].map((socket) =>
      within<void>('close', (resolve) => {
        socket.on('close', (code) => {
          closes.push(code)
          resolve()
        })
      }),
    )
    const bytes = Buffer.alloc(200_000, 1)
    stream.write(bytes, 0, 64 * 1024)
    pair.edge.goaway('edge/stopping', 'the edge stops', true, 7)
    await Promise.all(closed)
    expect(pair.linkerLog.end).toMatchObject({ code: 'edge/stopping', retryAfterMs: 7, clean: true })
    expect(pair.linkerLog.opens[0].log.receivedBytes).toBe(64 * 1024)
    expect(pair.linkerLog.opens[0].log.events.at(-1)).toBe('lost')
    expect(closes).toEqual([1000, 1000])
    expect(log.events).toEqual(['lost'])
    expect(pair.wheel.size).toBe(0)
  })

  it('end when the peer vanishes', async () => {
    const pair = await connect(1)
    const log = new StreamLog(pair.wheel.now)
    openStream(pair.edge, log, {})
    pair.sockets.clientSocket.destroy()
    expect(await pair.edgeClosed).toMatchObject({ code: 'protocol/closed', retryable: true, clean: false })
    expect((await pair.linkerClosed).code).toBe('protocol/closed')
    expect(log.events).toEqual(['lost'])
    expect(pair.wheel.size).toBe(0)
  })

  it('cut a peer that does not finish the close handshake', async () => {
    const pair = await connect(1, { closeMs: 30 })
    pair.sockets.clientSocket.pause()
    const closed = within<number>('close', (resolve) => pair.sockets.server.on('close', resolve))
    pair.edge.goaway('edge/test', '', true)
    expect(await closed).toBe(1006)
    expect(pair.sockets.serverSocket.destroyed).toBe(true)
  })

  it('keep each other alive, and find out that the other is silent', async () => {
    const quick = { pingMs: 40, lateMs: 5_000 }
    const pair = await connect(1, { edge: quick, linker: { ...quick, pingMs: 5_000 } })
    pair.sockets.clientSocket.pause()
    expect(await pair.edgeClosed).toMatchObject({ code: 'protocol/dead', clean: false })
  })

  it('suspect a peer that is silent after an OPEN, though nothing else would wake the timer', async () => {
    const pair = await connect(1, { edge: { openSilenceMs: 20, suspectMs: 20, lateMs: 5_000 } })
    pair.sockets.clientSocket.pause()
    const suspect = within<boolean>('suspicion', (resolve) => {
      pair.edgeLog.onSuspect = resolve
    })
    openStream(pair.edge, new StreamLog(pair.wheel.now), { body: BODY_NONE })
    expect(await suspect).toBe(true)
    const heard = within<boolean>('relief', (resolve) => {
      pair.edgeLog.onSuspect = resolve
    })
    pair.sockets.clientSocket.resume()
    expect(await heard).toBe(false)
  })

  it('bound what waits for a peer that does not read', async () => {
    const pair = await connect(1, { linker: { windowBytes: 64 * MiB }, edge: { maxWindowBytes: 64 * MiB } })
    const log = new StreamLog(pair.wheel.now)
    const stream = openStream(pair.edge, log, {})
    await within<void>('the OPEN', (resolve) => {
      pair.linkerLog.onOpened = () => resolve()
    })
    pair.sockets.clientSocket.pause()
    let most = 0
    let written = 0
    // As much as the kernel takes, then 256 KiB in the socket; the rest waits with its owner.
    const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))
    for (let stuck = 0; stuck < 50; ) {
      if (stream.waitingBytes === 0) {
        stream.write(Buffer.alloc(64 * 1024), 0, 64 * 1024)
        written += 64 * 1024
        stuck = 0
      } else stuck++
      most = Math.max(most, pair.sockets.server.bufferedAmount)
      await turn()
    }
    expect(written).toBeGreaterThan(300 * 1024)
    expect(written).toBeLessThan(60 * MiB)
    expect(most).toBeLessThan(2 * 256 * 1024)
    const drained = within<void>('room', (resolve) => {
      log.hooks.writable = resolve
    })
    pair.sockets.clientSocket.resume()
    await drained
  })
})

describe('a bug in a handler', () => {
  /** Runs `sabotage` in one of two sessions and expects that only that one ends. */
  async function expectOneEnds(sabotage: (pair: TunnelPair) => void): Promise<void> {
    const other = await connect(1)
    const pair = await connect(3)
    sabotage(pair)
    expect(await pair.edgeClosed).toMatchObject({
      code: 'bug/assertion',
      message: 'internal error',
      retryable: true,
    })
    expect(await pair.linkerClosed).toMatchObject({ code: 'bug/assertion', clean: true })
    expect(pair.bugs.edge).toEqual([new Error('owner')])
    expect(pair.bugs.linker).toEqual([])
    expect([other.edge.isOpen, other.linker.isOpen]).toEqual([true, true])
    expect([other.bugs.edge, other.bugs.linker]).toEqual([[], []])
  }

  const fail = () => {
    throw new Error('owner')
  }

  it('ends that session when it comes with a frame', () =>
    expectOneEnds((pair) => {
      pair.edgeLog.onLeave = fail
      pair.linker.leave()
    }))

  it('ends that session when it comes with the room to write', () =>
    expectOneEnds((pair) => {
      const log = new StreamLog(pair.wheel.now)
      const stream = openStream(pair.edge, log, {})
      log.hooks.writable = fail
      pair.linkerLog.consumes = true
      for (let i = 0; i < 40; i++) stream.write(Buffer.alloc(64 * 1024), 0, 64 * 1024)
    }))

  it('ends that session when it comes with a deadline', async () => {
    const pair = await connect(1, { edge: { openSilenceMs: 20, suspectMs: 20, lateMs: 5_000 }, closeMs: 30 })
    pair.sockets.clientSocket.pause()
    pair.edgeLog.onSuspect = fail
    openStream(pair.edge, new StreamLog(pair.wheel.now), { body: BODY_NONE })
    expect((await pair.edgeClosed).code).toBe('bug/assertion')
    expect(pair.bugs.edge).toEqual([new Error('owner')])
  })

  it('is reported, too, when it comes with the news that the session ended', async () => {
    const pair = await connect(2)
    const logs = [new StreamLog(pair.wheel.now), new StreamLog(pair.wheel.now)]
    for (const log of logs) openStream(pair.edge, log, {})
    logs[0].hooks.lost = fail
    pair.sockets.clientSocket.destroy()
    await pair.edgeClosed
    expect(logs.map((log) => log.events)).toEqual([['lost'], ['lost']])
    expect(pair.bugs.edge).toEqual([new Error('owner')])
  })
})

describe('a peer that does not speak brxy.v1', () => {
  async function serve() {
    const sockets = await connectSockets()
    const wheel = new TimerWheel()
    closers.push(async () => {
      await sockets.close()
      wheel.close()
    })
    const log = new EdgeLog()
    const env = { random: Math.random, nowMs: wheel.now(), budget: new WindowBudget(0) }
    const session = new EdgeSession(log, env)
    log.session = session
    new Tunnel(sockets.server, sockets.serverSocket, session, wheel, {
      onBug: (error) => expect.unreachable(`${error}`),
    })
    const received: Buffer[] = []
    sockets.client.on('message', (data: Buffer) => received.push(data))
    const closed = within<number>('close', (resolve) => sockets.client.on('close', resolve))
    return { client: sockets.client, log, received, closed }
  }

  it.each([
    [
      'a text message',
      'protocol/text-message',
      (client: { send(data: string | Buffer): void }) => client.send('hello'),
    ],
    [
      'an unknown frame',
      'protocol/bad-frame',
      (client: { send(data: string | Buffer): void }) => client.send(Buffer.alloc(8)),
    ],
  ])('is told so, and the connection closes: %s', async (_name, code, say) => {
    const { client, log, received, closed } = await serve()
    say(client)
    expect(await closed).toBe(1000)
    expect(log.end?.code).toBe(code)
    const { frames } = referenceDecode('edge', Buffer.concat(received))
    expect(frames.map((frame) => frame.type)).toEqual(['GOAWAY'])
    expect(JSON.parse(parseHex(frames[0].hex ?? '').toString())).toMatchObject({ code, retryable: false })
  })

  it('is cut when a message is longer than 1 MiB', async () => {
    const { client, log, closed } = await serve()
    client.send(Buffer.alloc(MiB + 1))
    expect([1009, 1006]).toContain(await closed)
    expect(log.end?.code).toBe('protocol/closed')
  })
})
