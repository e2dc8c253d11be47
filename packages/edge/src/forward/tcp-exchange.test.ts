import { KIND_TCP, REFUSE, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge, type TestOptions } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { LinkerScript, ScriptedLinker, ScriptedRequest } from '../linker.testkit.ts'

// Some move more than the kernel buffers, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

let edge: TestEdge
beforeEach(() => start())
afterEach(() => edge.close())

async function start(options: TestOptions = {}): Promise<void> {
  edge = await TestEdge.start({ apps: { db: { tcp: { bind: '127.0.0.1:0' } } }, ...options })
}

async function restart(options: TestOptions): Promise<void> {
  await edge.close()
  await start(options)
}

function client(app = 'db'): RawClient {
  const { tcp } = edge.of('listening')[0]
  return edge.client(Number(tcp[app].replace(/^.*:/, '')))
}

const linker = (script: Partial<LinkerScript> = {}) =>
  edge.linker({ route: 'db', regrants: false, ...script })

const ended = () => eventually('the event', () => edge.of('request')[0])

interface Carried {
  readonly instance: ScriptedLinker
  readonly peer: RawClient
  readonly request: ScriptedRequest
}

/** A client and an application that talk. */
async function carried(script: Partial<LinkerScript> = {}): Promise<Carried> {
  const instance = await linker(script)
  const peer = client()
  const request = await instance.next()
  return { instance, peer, request }
}

describe('a connection to a TCP app', () => {
  it('is one request, without a head, and needs no byte of the client', async () => {
    const { peer, request } = await carried()
    expect([request.kind, request.head, request.isPassive, request.isUpgrade]).toEqual([
      KIND_TCP,
      '',
      false,
      false,
    ])
    request.write('220 hello\r\n')
    expect(await peer.until('\r\n')).toBe('220 hello\r\n')
    peer.send('QUIT\r\n')
    await poll(() => request.body.toString()).toBe('QUIT\r\n')
  })

  it('is held until there is a slot, and brings along what the client has sent', async () => {
    const peer = client().send('one')
    const { tcp } = edge.of('listening')[0]
    await edge.untilHeld(1, 'db')
    peer.send(' two')
    const instance = await linker()
    const request = await instance.next()
    peer.send(' three')
    await poll(() => request.body.toString()).toBe('one two three')
    peer.finish()
    await poll(() => request.ended).toBe(true)
    request.finish()
    await peer.ended()
    const event = await ended()
    expect(event).toMatchObject({ app: 'db', instance: 'db/1', method: 'TCP', status: 0, error: null })
    expect(event.heldMs).toBeGreaterThan(0)
    expect(event.target).toBe(tcp.db)
  })

  it('takes one slot until it is over, and the next one waits', async () => {
    const { instance, peer, request } = await carried()
    const next = client().send('next')
    await edge.untilHeld(1, 'db')
    peer.finish()
    request.finish()
    await peer.ended()
    instance.grant()
    const second = await instance.next()
    await poll(() => second.body.toString()).toBe('next')
    next.close()
    await poll(() => second.ended).toBe(true)
  })

  it('ends each direction by itself: the client first', async () => {
    const { peer, request } = await carried()
    peer.send('question').finish()
    await poll(() => [request.body.toString(), request.ended]).toEqual(['question', true])
    request.write('answer')
    await peer.until('answer')
    expect(peer.end).toBe(null)
    request.finish()
    await peer.ended()
    expect(peer.end).toBe('fin')
    expect(await ended()).toMatchObject({ error: null })
  })

  it('ends each direction by itself: the application first', async () => {
    const { peer, request } = await carried()
    request.write('bye')
    request.finish()
    expect(await peer.ended()).toBe('bye')
    peer.send('wait')
    await poll(() => request.body.toString()).toBe('wait')
    peer.finish()
    await poll(() => request.ended).toBe(true)
    expect(await ended()).toMatchObject({ error: null })
  })

  it('hands a reset of the client on as one', async () => {
    const { peer, request } = await carried()
    peer.send('half')
    await poll(() => request.body.toString()).toBe('half')
    peer.reset()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(request.ended).toBe(false)
    expect(await ended()).toMatchObject({ error: 'client gone' })
  })

  it('hands a reset of the application on as one, with the reason in the event', async () => {
    const { peer, request } = await carried()
    request.reset(RESET.APP_CLOSED)
    await peer.ended()
    expect(peer.end).toBe('reset')
    expect(await ended()).toMatchObject({ instance: 'db/1', error: 'edge/app-closed' })
  })

  it('is reset when the tunnel is lost after the application spoke, and goes to nobody else', async () => {
    const other = await linker()
    const { instance, peer, request } = await carried()
    request.write('hello')
    await peer.until('hello')
    instance.cut()
    await peer.ended()
    expect(peer.end).toBe('reset')
    expect(await ended()).toMatchObject({ error: 'edge/tunnel-lost' })
    expect(other.requests).toHaveLength(0)
  })

  it('makes the client wait for an application that does not read', async () => {
    const { peer, request } = await carried({ takesBodies: false })
    const sent = Buffer.from(
      Uint8Array.from({ length: 16 * 1024 * 1024 }, (_, i) => (i * 31 + (i >> 8)) & 255),
    )
    peer.send(sent)
    await stuck(peer)
    expect(request.bodyBytes).toBe(64 * 1024)
    request.takeAll()
    await poll(() => request.bodyBytes).toBe(sent.length)
  })
})

describe('a held connection to a TCP app', () => {
  it('is read up to the bound, and loses nothing', async () => {
    const peer = client()
    const sent = Buffer.from(
      Uint8Array.from({ length: 16 * 1024 * 1024 }, (_, i) => (i * 31 + (i >> 8)) & 255),
    )
    peer.send(sent)
    await stuck(peer)
    const { held } = edge.edge.status().apps[0]
    // The bound, and one read.
    expect(held.bytes).toBeGreaterThanOrEqual(64 * 1024)
    expect(held.bytes).toBeLessThan(64 * 1024 + 66 * 1024)
    const request = await (await linker()).next()
    await poll(() => request.bodyBytes).toBe(sent.length)
    expect(request.body.equals(sent)).toBe(true)
  })

  it('is dropped when its client is gone', async () => {
    const peer = client().send('anybody?')
    await edge.untilHeld(1, 'db')
    peer.reset()
    await edge.untilHeld(0, 'db')
    expect(await ended()).toMatchObject({ instance: null, error: 'client gone' })
    expect((await linker()).requests).toHaveLength(0)
  })

  it('is dropped when its client ends without having said anything, as a probe does', async () => {
    const peer = client()
    await edge.untilHeld(1, 'db')
    peer.close()
    await edge.untilHeld(0, 'db')
    expect(await ended()).toMatchObject({ error: 'client gone' })
  })

  it('waits on when its client has said everything and ended its direction', async () => {
    const peer = client().send('question').finish()
    await edge.untilHeld(1, 'db')
    const request = await (await linker()).next()
    await poll(() => [request.body.toString(), request.ended]).toEqual(['question', true])
    request.write('answer')
    request.finish()
    expect(await peer.ended()).toBe('answer')
  })

  it('is reset when it has waited too long', async () => {
    await restart({ defaults: { holdMs: 50 } })
    const peer = client()
    await peer.ended()
    expect(peer.end).toBe('reset')
    expect(await ended()).toMatchObject({ status: 0, error: 'edge/hold-timeout' })
  })

  it('is reset when too many wait', async () => {
    await restart({ defaults: { queue: { requests: 1 } } })
    client()
    await edge.untilHeld(1, 'db')
    const second = client()
    await second.ended()
    expect(second.end).toBe('reset')
    expect(await ended()).toMatchObject({ error: 'edge/hold-full' })
  })

  it('is reset when what it sends is more than may be held', async () => {
    await restart({ defaults: { queue: { bytes: 4096 } } })
    const peer = client()
    await edge.untilHeld(1, 'db')
    peer.send(Buffer.alloc(8192))
    await peer.ended()
    expect(peer.end).toBe('reset')
    expect(await ended()).toMatchObject({ error: 'edge/hold-full' })
    expect(edge.held('db')).toBe(0)
  })

  it('goes to another instance when it is refused, with all that was sent', async () => {
    const older = await linker()
    const { peer, request } = await carried()
    peer.send('early')
    await poll(() => request.body.toString()).toBe('early')
    request.refuse(REFUSE.INSTANCE)
    const again = await older.next()
    peer.send(' late')
    await poll(() => again.body.toString()).toBe('early late')
  })

  it('goes to another instance with its end, when that came before it was refused', async () => {
    const older = await linker()
    const { peer, request } = await carried()
    peer.send('all').finish()
    await poll(() => request.ended).toBe(true)
    request.refuse(REFUSE.NO_SLOT)
    const again = await older.next()
    await poll(() => [again.body.toString(), again.ended]).toEqual(['all', true])
  })

  it('is reset when the edge drains', async () => {
    const peer = client()
    await edge.untilHeld(1, 'db')
    const stopping = edge.edge.stop()
    await peer.ended()
    expect(peer.end).toBe('reset')
    await stopping
    expect(await ended()).toMatchObject({ error: 'edge/draining' })
  })
})

it('a running TCP connection may end by itself while the edge drains, and is cut after that', async () => {
  await restart({ timeouts: { drainMs: 400 } })
  const { peer, request } = await carried()
  const stopping = edge.edge.stop()
  await poll(() => edge.of('draining').length).toBe(1)
  peer.send('during')
  await poll(() => request.body.toString()).toBe('during')
  await peer.ended()
  expect(peer.end).toBe('reset')
  await stopping
  expect(await ended()).toMatchObject({ error: 'edge/draining' })
})

it('the edge stops at once when the last TCP connection has ended', async () => {
  await restart({ timeouts: { drainMs: 60_000 } })
  const { peer, request } = await carried()
  const stopping = edge.edge.stop()
  await poll(() => edge.of('draining').length).toBe(1)
  peer.finish()
  request.finish()
  await peer.ended()
  await stopping
})

/** Resolves when the edge takes nothing more of what a client sends. */
async function stuck({ socket }: RawClient): Promise<void> {
  let before = -1
  let same = 0
  await eventually('the client has to wait', () => {
    same = before === socket.writableLength && before > 0 ? same + 1 : 0
    before = socket.writableLength
    return same === 10
  })
}

describe('a connection whose tunnel is lost before the application spoke', () => {
  beforeEach(() => restart({ timeouts: { lostSessionMs: 60_000 } }))

  it('goes to another instance, with all that its client sends, if GOAWAY says that it never arrived', async () => {
    const other = await linker()
    const instance = await linker()
    instance.pause()
    const peer = client().send('one')
    await eventually('the connection', () => running() === 1)
    instance.session.goaway('link/left', 'it leaves', true)
    const request = await other.next()
    peer.send(' two')
    await poll(() => request.body.toString()).toBe('one two')
    request.write('hello')
    await peer.until('hello')
  })

  it('waits for the linker, which says that it never had it', async () => {
    const { instance, peer, request } = await carried()
    peer.send('one')
    await poll(() => request.bodyBytes).toBe(3)
    await edge.lose(instance)
    peer.send(' two').finish()
    const again = await (await edge.back(instance, 0)).next()
    await poll(() => [again.body.toString(), again.ended]).toEqual(['one two', true])
    again.finish('')
    await peer.ended()
    expect(peer.end).toBe('fin')
  })

  it('is reset when the linker had it', async () => {
    const { instance, peer } = await carried()
    await edge.lose(instance)
    const back = await edge.back(instance, 1)
    await peer.ended()
    expect(peer.end).toBe('reset')
    expect(await ended()).toMatchObject({ instance: 'db/1', error: 'edge/tunnel-lost' })
    expect(back.requests).toHaveLength(0)
  })

  it('is reset when nobody is back in time', async () => {
    await restart({ timeouts: { lostSessionMs: 50 } })
    const { instance, peer } = await carried()
    instance.cut()
    await peer.ended()
    expect(peer.end).toBe('reset')
    expect(await ended()).toMatchObject({ error: 'edge/tunnel-lost' })
  })

  it('is forgotten when its client leaves', async () => {
    const { instance, peer } = await carried()
    await edge.lose(instance)
    peer.reset()
    expect(await ended()).toMatchObject({ error: 'client gone' })
    const back = await edge.back(instance, 0)
    client()
    await back.next()
    expect(back.requests).toHaveLength(1)
  })
})

function running(): number {
  const instances = edge.edge.status().apps.flatMap((app) => app.instances)
  return instances.reduce((sum, { busy }) => sum + busy, 0)
}
