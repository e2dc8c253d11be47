import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EdgeProcess, eventually, expectNoLeftovers, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked } from '../e2e/apps.ts'
import { ConfigFile, launched } from '../e2e/config-file.ts'
import { timed } from './noise.ts'

/** For hundreds of processes that start or end together, on few cores. */
const LONG_MS = 120_000

let edge: EdgeProcess
let isStarted: boolean
let file: ConfigFile
let app: Server
beforeEach(async () => {
  isStarted = false
  file = new ConfigFile()
  app = createServer((_request, response) => response.end('ok'))
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  if (isStarted) {
    // What was kept over the end of an edge goes with its app.
    file.set({}, { onExit: 'stop' })
    edge.signal('SIGHUP')
    await edge.event('reloaded', undefined, 1, LONG_MS).finally(() => edge.close())
  }
  app.close()
  file.remove()
  await expectNoLeftovers(LONG_MS)
}, 3 * LONG_MS)

const ready = async (): Promise<number> => {
  const [shop] = (await edge.status()).apps
  return shop?.instances.filter(({ phase }: { phase: string }) => phase === 'ready').length ?? 0
}

async function startEdge(): Promise<void> {
  edge = await EdgeProcess.start({ file: file.path, requests: false, listensWithinMs: LONG_MS })
  isStarted = true
}

/** How long those take together who redial an edge that was killed; less than the new one waits for them. */
const SPREAD_MS = 4_000

/** An edge that keeps so many instances of the command. @returns how long the machine took to start them */
async function start(command: readonly string[], count: number, tunnel: object = {}): Promise<number> {
  // Those who redial look for the edge where it was.
  const [port] = await freePorts(1)
  file.set(
    { shop: { hosts: ['localhost'], scaler: launched(command), min: count, max: count, startTimeout: '5m' } },
    { onExit: 'keep', tunnel: { bind: `127.0.0.1:${port}`, ...tunnel } },
  )
  const sinceMs = performance.now()
  await startEdge()
  await eventually(`${count} instances`, async () => (await ready()) === count, LONG_MS)
  return performance.now() - sinceMs
}

/** From the first linker that connected to the last one. */
function spreadMs(): number {
  const times = edge.matching('connected').map(({ time }) => Date.parse(time as string))
  return Math.max(...times) - Math.min(...times)
}

describe('an edge', { timeout: 4 * LONG_MS }, () => {
  it('that was stopped for 40 s has its 100 linkers back within 5 s, and launches nothing', async () => {
    const { port } = app.address() as AddressInfo
    const startMs = await start(['brxy', 'link', '--to', `127.0.0.1:${port}`], 100)
    const launched = edge.matching('launching').length
    process.kill(edge.pid, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 40_000))
    process.kill(edge.pid, 'SIGCONT')
    const { tookMs } = await timed(async () => {
      await edge.event('connected', undefined, 200, LONG_MS)
      await eventually('all are back', async () => (await ready()) === 100, LONG_MS)
    })
    // They have only to dial, which takes less than to start them, on any machine.
    expect(tookMs).toBeLessThan(Math.max(5_000, startMs))
    expect((await edge.ask()).status).toBe(200)
    expect(edge.matching('launching')).toHaveLength(launched)
  })

  it('that is killed and started again finds its 200 instances, which dial spread over four seconds, and launches none', async () => {
    const httpd = linked(['busybox', 'httpd', '-f', '-p', '127.0.0.1:{port}', '-h', file.directory])
    await start(httpd, 200, { reconnectSpread: `${SPREAD_MS}ms` })
    process.kill(edge.pid, 'SIGKILL')
    const killedMs = performance.now()
    await edge.ends()
    await startEdge()
    const awayMs = performance.now() - killedMs
    await eventually('all are back', async () => (await ready()) === 200, LONG_MS)
    // Those whose turn came while there was no edge try again soon; the others still have the rest of the time.
    expect(spreadMs()).toBeGreaterThan((SPREAD_MS - awayMs) / 2)
    expect((await edge.ask('/brxy.yaml')).status).toBe(200)
    expect(edge.matching('launching')).toEqual([])
  })
})
