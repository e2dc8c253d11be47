import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EdgeProcess, eventually, expectNoLeftovers, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked } from '../e2e/apps.ts'
import { type Config, ConfigFile, launched } from '../e2e/config-file.ts'

let edge: EdgeProcess
let file: ConfigFile
let app: Server
beforeEach(async () => {
  file = new ConfigFile()
  app = createServer((_request, response) => response.end('ok'))
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  // What was kept over the end of an edge goes with its app.
  file.set({}, { onExit: 'stop' })
  edge.signal('SIGHUP')
  await edge.event('reloaded')
  await edge.close()
  app.close()
  file.remove()
  await expectNoLeftovers(20_000)
})

const ready = async (): Promise<number> => {
  const [shop] = (await edge.status()).apps
  return shop?.instances.filter(({ phase }: { phase: string }) => phase === 'ready').length ?? 0
}

/** Those who redial look for the edge where it was. */
async function places(): Promise<Config> {
  const [tunnel] = await freePorts(1)
  return { tunnel: { bind: `127.0.0.1:${tunnel}` } }
}

/** An edge that keeps so many instances of the command. */
async function start(command: readonly string[], count: number): Promise<void> {
  file.set(
    { shop: { hosts: ['localhost'], scaler: launched(command), min: count, max: count, startTimeout: '5m' } },
    { onExit: 'keep', ...(await places()) },
  )
  edge = await EdgeProcess.start({ file: file.path, requests: false })
  await eventually(`${count} instances`, async () => (await ready()) === count, 180_000)
}

describe('an edge', () => {
  it('that was stopped for 40 s has its 100 linkers back within 5 s, and launches nothing', async () => {
    const { port } = app.address() as AddressInfo
    await start(['brxy', 'link', '--to', `127.0.0.1:${port}`], 100)
    const launched = edge.matching('launching').length
    process.kill(edge.pid, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 40_000))
    process.kill(edge.pid, 'SIGCONT')
    await eventually('all are back', async () => (await ready()) === 100, 5_000)
    expect((await edge.ask()).status).toBe(200)
    expect(edge.matching('launching')).toHaveLength(launched)
  })

  it('that is killed and started again finds its 200 instances, which dial spread over a second, and launches none', async () => {
    const httpd = linked(['busybox', 'httpd', '-f', '-p', '127.0.0.1:{port}', '-h', file.directory])
    await start(httpd, 200)
    process.kill(edge.pid, 'SIGKILL')
    await edge.ends()
    const again = await EdgeProcess.start({ file: file.path, requests: false })
    edge = again
    await eventually('all are back', async () => (await ready()) === 200, 60_000)
    expect((await edge.ask('/brxy.yaml')).status).toBe(200)
    expect(edge.matching('launching')).toEqual([])
  })
})
