import { isLacking } from '@brxy-tooling/engines'
import { eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nodeApp } from '../e2e/apps.ts'
import { NomadEdge, NomadPlatform, shippedPolicy } from './nomad.testkit.ts'

/** Far less than the 50 s that a request may be held. */
const SOON_MS = 20_000
const MODES = [
  { mode: 'dispatch', job: 'shop', policy: 'edge-dispatch' },
  { mode: 'count', job: 'shop-count', policy: 'edge-count' },
] as const

/** What is wrong with the job, what clients read of it, and what Nomad says. */
const WRONG = [
  {
    what: 'an image that cannot be had',
    task: { Artifacts: [{ GetterSource: 'http://127.0.0.1:1/image.tar.gz' }] },
    problem: 'image',
    says: /Failed to download artifact|127\.0\.0\.1:1/,
  },
  {
    what: 'a full cluster',
    variables: { memory: 99_000_000 },
    more: { startTimeout: '3s' },
    problem: 'unschedulable',
    says: /memory exhausted/,
  },
  {
    what: 'an application that crashes',
    variables: { app: ['sh', '-c', 'echo no database >&2; exit 3'] },
    problem: 'crashed',
    says: /no database/,
  },
  {
    what: 'a command that is not there',
    variables: { link: '/nonexistent/brxy-link' },
    problem: 'invalid',
    says: /\/nonexistent\/brxy-link/,
  },
  {
    what: 'a token that may only look',
    rules: 'namespace "default" { capabilities = ["list-jobs", "read-job"] }',
    problem: 'denied',
    says: /Permission denied/,
  },
  {
    what: 'a namespace that the token has nothing in',
    ofAll: { namespace: 'forbidden' },
    problem: 'denied',
    says: /Permission denied/,
  },
]

let nomad: NomadPlatform
let shop: NomadEdge | undefined

describe.skipIf(await isLacking('nomad'))('held requests and what Nomad says', () => {
  beforeAll(async () => {
    nomad = await NomadPlatform.up()
  })
  afterAll(() => nomad?.down())

  describe.each(MODES)('in mode $mode', ({ mode, job, policy }) => {
    afterEach(async () => {
      await shop?.close()
      shop = undefined
      await nomad.purgeChildren(job)
      await nomad.purge(job)
      await expectNoLeftovers()
    })

    it.each(WRONG)('fail soon, for $what', async ({ variables, task, rules, more, ofAll, problem, says }) => {
      shop = await NomadEdge.start(nomad, rules ?? shippedPolicy(policy), { job, mode }, more, ofAll)
      await nomad.putVariable(job, { token: await shop.linkerToken() })
      const edge = mode === 'count' ? { edge: shop.tunnel } : {}
      await nomad.runExample(job, { app: nodeApp('serial'), ...edge, ...variables }, task)
      const answers = await Promise.all([shop.ask(), shop.ask()])
      for (const answer of answers) {
        expect(answer.status, answer.text).toBe(503)
        expect(answer.json()).toMatchObject({ code: 'edge/cannot-start', problem })
        expect(answer.tookMs).toBeLessThan(SOON_MS)
        // Clients get a fixed text, and operators the platform's own.
        expect(answer.text).not.toMatch(says)
      }
      await shop.edge.event('launch failed', (event) => says.test(JSON.stringify(event)))
    })
  })

  it('an application that crashes is started at longer and longer intervals', async () => {
    shop = await NomadEdge.start(nomad, shippedPolicy('edge-dispatch'), { job: 'shop' })
    await nomad.runExample('shop', { app: ['sh', '-c', 'exit 3'] })
    const { edge } = shop
    // Whoever asks during the pause is told at once.
    const [first, second] = await eventually('a second launch', async () => {
      expect((await edge.ask('/', { host: 'shop.test' })).status).toBe(503)
      const failed = edge.matching('launch failed')
      return failed.length > 1 ? failed : undefined
    })
    expect(Number(second.retryMs)).toBeGreaterThan(Number(first.retryMs))
    await shop.close()
    shop = undefined
    await nomad.purgeChildren('shop')
    await nomad.purge('shop')
  })
})
