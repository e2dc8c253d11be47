import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { until } from './app/processes.testkit.ts'
import { CompiledLinker } from './linker-process.testkit.ts'
import { TestEdge, type TestSession } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

/** One linker goes beside every instance. Node itself takes about 40 MiB of it. */
const MAX_MIB = 70
/** Many long responses at a time leave buffers behind that V8 and malloc keep. */
const MAX_BUSY_MIB = 100
const SLOTS = 8
const REQUESTS = 1_000

let compiled: CompiledLinker
let edge: TestEdge
let app: Server

beforeAll(async () => {
  compiled = new CompiledLinker()
  edge = await TestEdge.start()
  // Answers with as many bytes as its path says.
  app = createServer((request, response) => response.end(Buffer.alloc(Number(request.url?.slice(1)), 'b')))
  app.listen(0, '127.0.0.1')
  await until('the application listens', () => app.listening)
})
afterEach(() => compiled.end())
afterAll(async () => {
  app.closeAllConnections()
  app.close()
  await edge.close()
  compiled.remove()
})

/** All requests, as many at a time as there are slots, and then all slots lent again. */
async function serve(session: TestSession, bytes: number): Promise<void> {
  const ask = async () => {
    for (let count = 0; count < REQUESTS / SLOTS; count++) {
      // Another may have taken the one that was seen before this goes on.
      do await until('a grant', () => session.session.unspent > 0)
      while (session.session.unspent === 0)
      const { status, receivedBytes } = await session.get(`/${bytes}`)
      expect([status, receivedBytes]).toEqual([200, bytes])
    }
  }
  await Promise.all(Array.from({ length: SLOTS }, ask))
  await edge.granted(SLOTS)
}

it(`keeps a linker under ${MAX_MIB} MiB, idle and after ${REQUESTS} requests`, async () => {
  const { port } = app.address() as AddressInfo
  const linker = compiled.run(['-e', edge.address, '-r', 'shop', '-c', `${SLOTS}`, '--to', `${port}`])
  const session = await edge.granted(SLOTS)
  const idle = linker.residentMiB()
  await serve(session, 1_000)
  const used = linker.residentMiB()
  await serve(session, 100_000)
  const busy = linker.residentMiB()
  const [shownIdle, shownUsed, shownBusy] = [idle, used, busy].map((mib) => `${mib.toFixed(1)} MiB`)
  console.log(
    `a linker: ${shownIdle} idle, ${shownUsed} after ${REQUESTS} responses of 1 kB, ` +
      `${shownBusy} after as many of 100 kB`,
  )
  expect(idle).toBeLessThanOrEqual(MAX_MIB)
  expect(used).toBeLessThanOrEqual(MAX_MIB)
  expect(busy).toBeLessThanOrEqual(MAX_BUSY_MIB)
})
