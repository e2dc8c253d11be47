import { isLacking, run, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { APP_IMAGE, importApp } from './docker.testkit.ts'
import { NomadEdge, NomadPlatform, shippedPolicy } from './nomad.testkit.ts'

/** Without a tag it is `latest`, which Nomad never takes without asking the registry. */
const IMAGE = `${APP_IMAGE}:1`
const WAIT_MS = 60_000
/** Far less than the 50 s that a request may be held. */
const SOON_MS = 20_000
/** Its command, and a time without work that a test waits for. */
const LINK = { command: 'brxy-link', args: ['--idle', '1s', '--', 'node', '/app.mjs'] }
const isLackingAny = (await isLacking('nomad')) || (await isLacking('docker'))

let docker: StartedEngine
let nomad: NomadPlatform
let shop: NomadEdge | undefined

/** The shipped job with Docker, as the comment in its file says. */
const runShop = (image: string) =>
  nomad.runExample('shop', {}, { Driver: 'docker', Config: { image, network_mode: 'host', ...LINK } })

describe.skipIf(isLackingAny)('an edge in front of Nomad, whose tasks are containers', () => {
  beforeAll(async () => {
    docker = await sharedEngine('docker')
    const host = `${docker.env.DOCKER_HOST}`
    await importApp(host)
    await run('docker', ['tag', APP_IMAGE, IMAGE], docker.env)
    nomad = await NomadPlatform.withDocker(host)
  })
  afterAll(async () => {
    await nomad?.down()
    await docker?.stop()
  })
  afterEach(async () => {
    await shop?.close()
    shop = undefined
    await nomad.purgeChildren('shop')
    await expectNoLeftovers()
  })

  it('goes from zero to two instances and back', async () => {
    await runShop(IMAGE)
    shop = await NomadEdge.start(nomad, shippedPolicy('edge-dispatch'), { job: 'shop' })
    const answers = await Promise.all([shop.ask(), shop.ask()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(shop.edge.matching('launching')).toHaveLength(2)
    await eventually('no instance', async () => (await nomad.launches('shop')).length === 0, WAIT_MS)
    const containers = () => run('docker', ['ps', '--all', '--quiet'], docker.env)
    await eventually('no container', async () => (await containers()).trim() === '', WAIT_MS)
  })

  it('fails held requests soon when the image cannot be pulled', async () => {
    await runShop('nope.invalid/x:1')
    shop = await NomadEdge.start(nomad, shippedPolicy('edge-dispatch'), { job: 'shop' })
    const answer = await shop.ask()
    expect(answer.status, answer.text).toBe(503)
    expect(answer.json()).toMatchObject({ code: 'edge/cannot-start', problem: 'image' })
    expect(answer.tookMs).toBeLessThan(SOON_MS)
    await shop.edge.event('launch failed', (event) => /nope\.invalid\/x/.test(JSON.stringify(event)))
  })
})
