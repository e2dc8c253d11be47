import { EdgeProcess, eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

let file: ConfigFile
let edge: EdgeProcess

beforeEach(() => {
  file = new ConfigFile()
})

afterEach(async () => {
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

const passive = [
  { path: '/healthz', whenAsleep: { status: 200, body: 'asleep' } },
  { userAgents: ['uptime-kuma'], whenAsleep: { status: 204 } },
]
const kuma = { 'user-agent': 'Uptime-Kuma/1.23' }

describe('a passive request', () => {
  it('is answered while the app sleeps, by path or by user agent, and starts nothing', async () => {
    file.set({ shop: { passive, scaler: launched(linked(nodeApp('echo'))) } })
    edge = await EdgeProcess.start({ file: file.path })
    const byPath = await edge.ask('/healthz?full')
    expect([byPath.status, byPath.text]).toEqual([200, 'asleep'])
    const byAgent = await edge.ask('/', { headers: kuma })
    expect([byAgent.status, byAgent.text]).toEqual([204, ''])
    expect(edge.matching('launching')).toEqual([])
    expect((await edge.status()).apps).toMatchObject([{ held: { count: 0 }, instances: [], launches: [] }])
    // Others do start something; then the probes are the application's to answer.
    expect((await edge.ask('/healthz/x')).json().url).toBe('/healthz/x')
    expect((await edge.ask('/healthz')).json().url).toBe('/healthz')
    expect((await edge.ask('/', { headers: kuma })).json().headers).toMatchObject(kuma)
    expect(edge.matching('launching').length).toBe(1)
  })

  it('keeps no instance from leaving, as any other request does', async () => {
    const scaler = launched(linked(nodeApp('serial'), ['--idle', '1s']))
    file.set({
      probed: { hosts: ['probed.test'], passive, scaler },
      used: { hosts: ['used.test'], passive, scaler },
    })
    edge = await EdgeProcess.start({ file: file.path })
    await Promise.all(['probed.test', 'used.test'].map((host) => edge.ask('/', { host })))
    const answers = new Set<string>()
    const left = await eventually('an instance that leaves while it is probed', async () => {
      answers.add((await edge.ask('/healthz', { host: 'probed.test' })).text)
      await edge.ask('/', { host: 'used.test' })
      return edge.matching('left')[0]
    })
    expect(left).toMatchObject({ app: 'probed', reason: 'idle' })
    const [awake] = answers
    // It was asked while it ran, and then nobody was.
    expect(awake).toMatch(/^\d+\n$/)
    expect((await edge.ask('/healthz', { host: 'probed.test' })).text).toBe('asleep')
    expect(
      edge
        .matching('launching')
        .map(({ app }) => app)
        .sort(),
    ).toEqual(['probed', 'used'])
  })
})
