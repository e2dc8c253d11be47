import { isLacking } from '@brxy-tooling/engines'
import { eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Gates } from './gates.testkit.ts'
import { NomadEdge, NomadPlatform, shippedPolicy as policy } from './nomad.testkit.ts'

const WAIT_MS = 60_000

let nomad: NomadPlatform
let edge: NomadEdge | undefined
let gates: Gates

describe.skipIf(await isLacking('nomad'))('an edge in front of Nomad', () => {
  beforeAll(async () => {
    nomad = await NomadPlatform.up()
  })
  afterAll(() => nomad?.down())
  beforeEach(() => {
    gates = new Gates()
  })
  afterEach(async () => {
    for (const launch of gates.started) gates.open(launch)
    await edge?.close()
    edge = undefined
    await nomad.purgeChildren('shop')
    gates.remove()
    await expectNoLeftovers()
  })

  /** An edge with the token of a policy, in front of a job. */
  async function start(rules: string, scaler: object = { job: 'shop' }, more: object = {}) {
    edge = await NomadEdge.start(nomad, rules, scaler, more)
    return edge.edge
  }

  it('goes from zero to four instances and back, with the shipped job and policy', async () => {
    await nomad.runExample('shop', { app: gates.app, flags: ['--idle', '500ms'] })
    const edge = await start(policy('edge-dispatch'))
    const answers = [1, 2, 3, 4].map(() => edge.ask('/', { host: 'shop.test' }))
    // Nobody is answered before all of them are at work.
    await eventually('four at work', () => gates.started.length === 4, WAIT_MS)
    expect(await nomad.running('shop')).toHaveLength(4)
    for (const launch of gates.started) gates.open(launch)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(edge.matching('launching')).toHaveLength(4)
    await eventually('all instances to leave', async () => (await nomad.running('shop')).length === 0)
  })

  it('removes the very instance that has left, while another one is at a request all the time', async () => {
    await nomad.runExample('shop', { app: gates.app, flags: ['--idle', '500ms'] })
    const edge = await start(policy('edge-dispatch'))
    const answers = [1, 2].map(() => edge.ask('/', { host: 'shop.test' }))
    await eventually('two at work', () => gates.started.length === 2, WAIT_MS)
    const [leaver, stayer] = gates.started
    expect([...(await nomad.launches('shop'))].sort()).toEqual([leaver, stayer].sort())
    gates.open(leaver)
    await eventually('one to be removed', async () => (await nomad.launches('shop')).length === 1, WAIT_MS)
    expect(await nomad.launches('shop')).toEqual([stayer])
    expect(await nomad.running('shop')).toHaveLength(1)
    gates.open(stayer)
    const each = await Promise.all(answers)
    expect(each.map(({ status, text }) => `${status} ${text}`).sort()).toEqual(
      [`200 ${leaver}`, `200 ${stayer}`].sort(),
    )
    await eventually('nothing', async () => (await nomad.launches('shop')).length === 0, WAIT_MS)
    expect(edge.matching('launching')).toHaveLength(2)
    expect(edge.matching('launch failed')).toEqual([])
  })

  it('fails fast when there is no such job', async () => {
    const edge = await start(policy('edge-dispatch'), { job: 'none' })
    expect((await edge.ask('/', { host: 'shop.test' })).status).toBe(503)
    await edge.event('launch failed', (event) => /job.*not found/.test(JSON.stringify(event)))
  })
})
