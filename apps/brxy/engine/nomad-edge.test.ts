import { isLacking } from '@brxy-tooling/engines'
import { type Answer, ask, BRXY, eventually, freePorts } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nodeApp } from '../e2e/apps.ts'
import { Gates } from './gates.testkit.ts'
import { NomadPlatform } from './nomad.testkit.ts'
import { shippedCommand, typeCommand } from './nomad-commands.testkit.ts'

const JOB = 'brxy-edge'
const HOST = 'shop.example.com'
const WAIT_MS = 60_000
/** Far less than the 50 s that a request may be held. */
const SOON_MS = 20_000
/** The linkers' time without work, in tests that wait until they have left. */
const IDLE = '500ms'

/** An allocation of the edge's job. */
interface EdgeAllocation {
  readonly ID: string
  readonly DesiredStatus: 'run' | 'stop'
  readonly ClientStatus: string
  readonly TaskStates: { readonly edge: { readonly Events: readonly { Type: string; ExitCode: number }[] } }
}

let nomad: NomadPlatform
let gates: Gates
let http = 0
let tunnel = 0

const type = (line: string) => typeCommand(line, nomad.env)
const askShop = (): Promise<Answer> => ask(http, '/', { host: HOST })

/** As README.md says, on ports of a test's own, without waiting until Nomad calls it healthy. */
async function runEdge(memory = 256): Promise<void> {
  const variables = Object.entries({ brxy: BRXY, http, tunnel, memory }).map(
    ([name, value]) => `-var ${name}=${value}`,
  )
  const line = shippedCommand('README.md', /job run .*edge\.nomad\.hcl/)
  await type(line.replace('job run', `job run -detach ${variables.join(' ')}`))
}

async function untilItServes(): Promise<void> {
  const serves = async () => (await ask(http, '/', { host: 'no.such.host' })).status === 404
  await eventually('the edge', () => serves().catch(() => false), WAIT_MS)
}

async function untilNoInstance(): Promise<void> {
  await eventually('no instance', async () => (await nomad.launches('shop')).length === 0, WAIT_MS)
}

const allocations = () => nomad.ask<readonly EdgeAllocation[]>('GET', `/v1/job/${JOB}/allocations`)

describe.skipIf(await isLacking('nomad'))('an edge that is a job of Nomad, as README.md says', () => {
  beforeAll(async () => {
    nomad = await NomadPlatform.up()
    ;[http = 0, tunnel = 0] = await freePorts(2)
    await type(shippedCommand('README.md', /acl policy apply/))
    await type(shippedCommand('README.md', /var put .*secret=-/))
    await runEdge()
    await untilItServes()
  })
  afterAll(async () => {
    await nomad?.purge(JOB)
    await nomad?.removeVariable(JOB)
    await nomad?.down()
  })
  beforeEach(() => {
    gates = new Gates()
  })
  afterEach(async () => {
    for (const launch of gates.started) gates.open(launch)
    await nomad.purgeChildren('shop')
    await nomad.purge('shop')
    gates.remove()
  })

  it('goes from zero to four instances and back, with a secret that can be had again for tokens', async () => {
    await nomad.runExample('shop', { app: gates.app, flags: ['--idle', IDLE] })
    const answers = [1, 2, 3, 4].map(askShop)
    const getSecret = shippedCommand('README.md', /export BRXY_SECRET/)
    const said = await type(`${getSecret}; brxy token --route shop; echo "$BRXY_SECRET"`)
    expect(said).toMatch(/^[\w.-]{30,}\n[0-9a-f]{64}\n+$/)
    await eventually('four at work', () => gates.started.length === 4, WAIT_MS)
    expect(await nomad.running('shop')).toHaveLength(4)
    for (const launch of gates.started) gates.open(launch)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    await untilNoInstance()
  })

  it('ends what is asked of it when its job is updated, and the next one has its instances', async () => {
    await nomad.runExample('shop', { app: gates.app })
    const held = askShop()
    await eventually('one at work', () => gates.started.length === 1, WAIT_MS)
    const [launch] = gates.started
    const [{ ID: before }] = await allocations()
    const first = async () => (await allocations()).find(({ ID }) => ID === before)
    await runEdge(300)
    await eventually('it is told to stop', async () => (await first())?.DesiredStatus === 'stop', WAIT_MS)
    gates.open(launch)
    expect(await held).toMatchObject({ status: 200, text: launch })
    await eventually('its end', async () => (await first())?.ClientStatus === 'complete', WAIT_MS)
    const ends = (await first())?.TaskStates.edge.Events.filter(({ Type }) => Type === 'Terminated')
    expect(ends).toMatchObject([{ ExitCode: 0 }])

    await untilItServes()
    expect(await askShop()).toMatchObject({ status: 200, text: launch })
    expect(await nomad.launches('shop')).toEqual([launch])
  })
  it('may start nothing without its policy, and says so at once', async () => {
    await type(`nomad acl policy delete ${JOB}`)
    await nomad.runExample('shop', { app: nodeApp('serial') })
    const refused = await askShop()
    expect(refused.status, refused.text).toBe(503)
    expect(refused.json()).toMatchObject({ code: 'edge/cannot-start', problem: 'denied' })
    expect(refused.tookMs).toBeLessThan(SOON_MS)
    const log = () => type(`nomad alloc logs -job ${JOB}`)
    await eventually('its log to say why', async () => (await log()).includes('Permission denied'))
    expect(await nomad.launches('shop')).toEqual([])
  })
})
