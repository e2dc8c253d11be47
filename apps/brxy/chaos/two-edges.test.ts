import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers, freePorts, within } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { linked } from '../e2e/apps.ts'
import { ConfigFile, launched } from '../e2e/config-file.ts'
import { timed } from './noise.ts'

const APP = [process.execPath, fileURLToPath(new URL('../e2e/websocket-app.mjs', import.meta.url))]
/** What both edges sign tokens with. */
const SECRET = 'two edges of one application share what they sign with'

let files: ConfigFile[]
let first: EdgeProcess
let scaling: EdgeProcess
beforeEach(() => {
  files = [new ConfigFile(), new ConfigFile()]
})
afterEach(async () => {
  await Promise.all([first.close(), scaling.close()])
  for (const file of files) file.remove()
  await expectNoLeftovers()
})

/** Two edges of one app; the second one starts instances, which dial both. */
async function start(max: number): Promise<void> {
  const tunnels = (await freePorts(2)).map((port) => `127.0.0.1:${port}`)
  const command = linked(
    APP,
    tunnels.flatMap((tunnel) => ['-e', tunnel]),
  )
  const app = { hosts: ['localhost'], patience: '50ms' }
  files[0].set({ shop: app }, { tunnel: { bind: tunnels[0] }, secret: SECRET })
  files[1].set(
    { shop: { ...app, scaler: launched(command), max } },
    { tunnel: { bind: tunnels[1] }, secret: SECRET },
  )
  first = await EdgeProcess.start({ file: files[0].path })
  scaling = await EdgeProcess.start({ file: files[1].path })
}

it('of one instance with one slot: a WebSocket at one edge has the other start another one, at once', async () => {
  await start(2)
  const beganMs = performance.now()
  expect((await scaling.ask()).status).toBe(200)
  const startMs = performance.now() - beganMs
  await first.event('connected')
  const socket = new WebSocket(`ws://localhost:${first.port}/`)
  await within('the upgrade', once(socket, 'open'))
  const { value, tookMs, noiseMs } = await timed(() => scaling.ask())
  expect(value.status).toBe(200)
  // Not at the end of the hold time, 50 s.
  expect(tookMs).toBeLessThan(startMs + 1_000 + noiseMs)
  expect(scaling.matching('launching')).toHaveLength(2)
  socket.terminate()
})

it('of one instance with one slot: the grant of an edge that is stopped is with the other within 3 s', async () => {
  await start(1)
  expect((await scaling.ask()).status).toBe(200)
  await first.event('connected')
  // The idle slot is lent to the edges in turns.
  await eventually('the slot is lent to the first', async () => {
    const [app] = (await first.status()).apps
    if (app.instances[0]?.grants === 1) return true
    await scaling.ask()
    return false
  })
  process.kill(first.pid, 'SIGSTOP')
  try {
    const { value, tookMs, noiseMs } = await timed(() => scaling.ask())
    expect(value.status).toBe(200)
    expect(tookMs).toBeLessThan(3_000 + noiseMs)
  } finally {
    process.kill(first.pid, 'SIGCONT')
  }
})
