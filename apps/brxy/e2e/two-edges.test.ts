import { EdgeProcess, eventually, expectNoLeftovers, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

vi.setConfig({ testTimeout: 120_000 })

/** What both edges sign tokens with. */
const SECRET = 'two edges of one application share what they sign with'

let files: ConfigFile[]
/** The one that scales. */
let first: EdgeProcess
/** One that reports to it. */
let second: EdgeProcess

beforeEach(async () => {
  files = [new ConfigFile(), new ConfigFile()]
  const peers = (await freePorts(2)).map((port) => `127.0.0.1:${port}`)
  // Both are configured alike. The instances are told of the first one only; WELCOME tells them of the other.
  const app = {
    hosts: ['localhost'],
    scaler: launched(linked(nodeApp('parallel'), ['--idle', '60s'])),
    max: 2,
    // A busy machine, on which an instance needs a while to link with the second edge, is no reason for another one.
    patience: '2s',
  }
  files[0].set({ shop: app }, { tunnel: { bind: peers[0], peers }, secret: SECRET })
  files[1].set({ shop: app }, { tunnel: { bind: peers[1], peers }, secret: SECRET, reportTo: peers[0] })
  first = await EdgeProcess.start({ file: files[0].path })
  second = await EdgeProcess.start({ file: files[1].path })
})
afterEach(async () => {
  await Promise.all([second.close(), first.close()])
  for (const file of files) file.remove()
  await expectNoLeftovers()
})

it('a request at an edge that starts nothing starts an instance at the other one, which serves both', async () => {
  const { status } = await second.ask()
  expect(status).toBe(200)
  expect(first.matching('launching')).toHaveLength(1)
  expect(second.matching('launching')).toHaveLength(0)
  expect((await first.ask()).status).toBe(200)
  expect(first.matching('launching')).toHaveLength(1)
  const [app] = (await first.status()).apps
  expect(app.instances).toHaveLength(1)
})

it('an edge that dies has nothing started for it, and its instance goes on', async () => {
  expect((await second.ask()).status).toBe(200)
  await eventually(
    'both edges are linked',
    async () => (await second.status()).apps[0]?.instances.length === 1,
  )
  second.signal('SIGKILL')
  await second.ends()
  expect((await first.ask()).status).toBe(200)
  // Its report counts no more after 3 s, and the instance is at the first edge all along.
  await eventually('nobody reports', async () => {
    const [app] = (await first.status()).apps
    return app.instances.length === 1 && app.launches.length === 0
  })
  expect((await first.ask()).status).toBe(200)
  expect(first.matching('launching')).toHaveLength(1)
})
