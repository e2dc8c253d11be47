import { eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nodeApp } from '../e2e/apps.ts'
import { isMissing, NomadEdge, NomadPlatform, shippedPolicy as policy } from './nomad.testkit.ts'

let nomad: NomadPlatform
let edge: NomadEdge | undefined

describe.skipIf(await isMissing())('an edge in front of Nomad', () => {
  beforeAll(async () => {
    nomad = await NomadPlatform.up()
  })
  afterAll(() => nomad?.down())
  afterEach(async () => {
    await edge?.close()
    edge = undefined
    await nomad.purgeChildren('shop')
    await expectNoLeftovers()
  })

  /** The shipped job, with an application in it that takes 20 s for a request: until then four copies are there. */
  const runShop = (variables: object = {}) =>
    nomad.runExample('shop', {
      app: nodeApp('serial', { seconds: 20 }),
      flags: ['--idle', '1s'],
      ...variables,
    })

  /** An edge with the token of a policy, in front of a job. */
  async function start(rules: string, scaler: object = { job: 'shop' }, more: object = {}) {
    edge = await NomadEdge.start(nomad, rules, scaler, more)
    return edge.edge
  }

  it('goes from zero to four instances and back, with the shipped job and policy', async () => {
    await runShop()
    const edge = await start(policy('edge-dispatch'))
    const answers = await Promise.all([1, 2, 3, 4].map(() => edge.ask('/', { host: 'shop.test' })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(4)
    await eventually('all instances to leave', async () => {
      const running = await nomad.running('shop')
      return running.length === 0 || undefined
    })
  })

  it('tells the operator what Nomad says, and clients the class, when the token may not dispatch', async () => {
    await runShop()
    const edge = await start('namespace "default" { capabilities = ["list-jobs", "read-job"] }')
    const answer = await edge.ask('/', { host: 'shop.test' })
    expect(answer.status).toBe(503)
    await edge.event('launch failed', (event) => JSON.stringify(event).includes('Permission denied'))
    expect(answer.text).not.toContain('Permission denied')
  })

  it('pauses longer and longer when the application crashes, and says how it ended', async () => {
    await runShop({ app: ['sh', '-c', 'echo no database >&2; exit 3'] })
    const edge = await start(policy('edge-dispatch'))
    const answer = await edge.ask('/', { host: 'shop.test' })
    expect(answer.status).toBe(503)
    expect(answer.json().problem).toBe('crashed')
    const first = await edge.event('launch failed')
    expect(JSON.stringify(first)).toContain('no database')
    // Whoever asks during the pause is told at once.
    const second = await eventually('a second launch', async () => {
      expect((await edge.ask('/', { host: 'shop.test' })).status).toBe(503)
      return edge.matching('launch failed')[1]
    })
    expect(Number(second.retryMs)).toBeGreaterThan(Number(first.retryMs))
  })

  it('says that the cluster is full', async () => {
    await runShop({ memory: 99_000_000 })
    const edge = await start(policy('edge-dispatch'), { job: 'shop' }, { startTimeout: '3s' })
    const answer = await edge.ask('/', { host: 'shop.test' })
    expect(answer.status).toBe(503)
    expect(answer.json().problem).toBe('unschedulable')
    await edge.event('launch failed', (event) => JSON.stringify(event).includes('memory exhausted'))
  })

  it('fails fast when there is no such job', async () => {
    const edge = await start(policy('edge-dispatch'), { job: 'none' })
    expect((await edge.ask('/', { host: 'shop.test' })).status).toBe(503)
    await edge.event('launch failed', (event) => /job.*not found/.test(JSON.stringify(event)))
  })
})
