import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { TimerWheel } from '@brxy/protocol/transport'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { poll } from '../eventually.testkit.ts'
import { edgeOptions } from '../settings.ts'
import { TestCa } from '../tls/test-ca.testkit.ts'
import { WriteProgress } from './write-progress.ts'

const MIB = 1024 * 1024
/** More than kernels take. */
const BULK = Buffer.alloc(64 * MIB)
const OPTIONS = edgeOptions({})
const STALL_MS = OPTIONS.timeouts.writeStallMs

let ca: TestCa
beforeAll(() => {
  ca = new TestCa()
})
afterAll(() => ca.remove())

let open: { end(): void }[] = []
afterEach(() => {
  for (const each of open) each.end()
  open = []
})

/** Both ends of a connection; the client reads nothing. */
async function pair(kind: 'TCP' | 'TLS'): Promise<{ edgeSide: Socket; client: Socket }> {
  const { cert, key } = ca.sign(['localhost'])
  const server: Server =
    kind === 'TCP' ? createServer() : createTlsServer({ cert: ca.read(cert), key: ca.read(key) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, kind === 'TCP' ? 'connection' : 'secureConnection')
  const at = { port: (server.address() as AddressInfo).port, host: '127.0.0.1' }
  const client = kind === 'TCP' ? connect(at) : connectTls({ ...at, rejectUnauthorized: false })
  const [edgeSide] = (await accepted) as [Socket]
  for (const socket of [client, edgeSide]) socket.on('error', () => {})
  client.pause()
  open.push({
    end() {
      client.destroy()
      edgeSide.destroy()
      server.close()
    },
  })
  return { edgeSide, client }
}

/** Resolves when the kernels are full: the time stands still for the looks, which see nothing move. */
async function full(progress: WriteProgress, nowMs: number): Promise<void> {
  let still = 0
  await poll(() => {
    still = progress.look(nowMs) === 'waits' ? still + 1 : 0
    return still
  }).toBeGreaterThan(20)
}

describe.each(['TCP', 'TLS'] as const)('progress of writes over %s', (kind) => {
  it('is seen within one large write', async () => {
    const { edgeSide, client } = await pair(kind)
    const progress = new WriteProgress(edgeSide, { options: OPTIONS, wheel: new TimerWheel() })
    progress.begin(0)
    edgeSide.write(BULK, progress.onWritten)
    await full(progress, 0)
    for (let nowMs = STALL_MS / 2; nowMs < 5 * STALL_MS; nowMs += STALL_MS / 2) {
      expect(progress.look(nowMs)).toBe('waits')
      let left = 4 * MIB
      client.on('data', function take(data) {
        left -= data.length
        if (left > 0) return
        client.pause()
        client.off('data', take)
      })
      client.resume()
      await poll(() => progress.look(nowMs) === 'takes').toBe(true)
      await poll(() => left <= 0).toBe(true)
      await full(progress, nowMs)
    }
  })

  it('is none when the client takes nothing', async () => {
    const { edgeSide } = await pair(kind)
    const progress = new WriteProgress(edgeSide, { options: OPTIONS, wheel: new TimerWheel() })
    progress.begin(0)
    edgeSide.write(BULK, progress.onWritten)
    await full(progress, 0)
    expect(progress.look(STALL_MS - 1)).toBe('waits')
    expect(progress.lookMs).toBe(STALL_MS - 1 + STALL_MS / 4)
    // What is written behind it is not taken either.
    edgeSide.write(BULK, progress.onWritten)
    expect(progress.look(STALL_MS)).toBe('stuck')
  })

  it('is not waited for when all is taken', async () => {
    const { edgeSide, client } = await pair(kind)
    const progress = new WriteProgress(edgeSide, { options: OPTIONS, wheel: new TimerWheel() })
    progress.begin(0)
    client.resume()
    edgeSide.write('short', progress.onWritten)
    await poll(() => edgeSide.writableLength).toBe(0)
    expect([progress.look(0), progress.look(10 * STALL_MS)]).toEqual(['waits', 'waits'])
    progress.end()
    expect(progress.lookMs).toBe(Number.POSITIVE_INFINITY)
  })
})
