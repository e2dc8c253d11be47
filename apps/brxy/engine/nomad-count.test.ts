import { isLacking } from '@brxy-tooling/engines'
import { type Answer, eventually, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Gates } from './gates.testkit.ts'
import { NomadEdge, NomadPlatform, shippedPolicy } from './nomad.testkit.ts'
import { shippedCommand } from './nomad-commands.testkit.ts'

const JOB = 'shop-count'
const WAIT_MS = 60_000
/** Indexes of the four instances. */
const ALL = [0, 1, 2, 3]

let nomad: NomadPlatform
let shop: NomadEdge
let gates: Gates

/** The instance with this index answers what it is asked. */
const open = (index: number) => gates.open(`${index}`)
const shut = (index: number) => gates.shut(`${index}`)

/** Indexes of the instances that have begun to serve a request, once for each. */
const started = () => gates.started.map(Number).sort()

async function untilWanted(count: number): Promise<void> {
  await eventually(`a count of ${count}`, async () => (await nomad.count(JOB)).wanted === count, WAIT_MS)
}

async function untilRunning(count: number): Promise<void> {
  const are = async () => {
    const { wanted, running } = await nomad.count(JOB)
    return wanted === count && running === count
  }
  await eventually(`${count} wanted and running`, are, WAIT_MS)
}

/** Four ask, each of whom has an instance to itself, none of which answers yet. @returns what they will get */
async function askByFour(): Promise<Promise<Answer>[]> {
  expect(await nomad.count(JOB)).toEqual({ wanted: 0, running: 0 })
  const answers = ALL.map(() => shop.ask())
  await eventually('four at work', () => started().length === ALL.length, WAIT_MS)
  expect(started()).toEqual(ALL)
  // What a client says of its allocations reaches the server a moment later.
  await untilRunning(ALL.length)
  return answers
}

async function expectAllAnswered(answers: Promise<Answer>[]): Promise<void> {
  const each = await Promise.all(answers)
  expect(each.map(({ status, text }) => `${status} ${text}`).sort()).toEqual(
    ALL.map((index) => `200 ${index}`),
  )
}

async function untilNothing(): Promise<void> {
  await untilWanted(0)
  await eventually('no allocation', async () => (await nomad.running(JOB)).length === 0, WAIT_MS)
  expect(shop.edge.matching('launch failed')).toEqual([])
  // Whoever went had said that it goes.
  expect(shop.edge.matching('left', ({ reason }) => reason !== 'idle')).toEqual([])
}

describe.skipIf(await isLacking('nomad'))('an edge that sets the count of a Nomad job', () => {
  beforeAll(async () => {
    nomad = await NomadPlatform.up()
  })
  afterAll(() => nomad?.down())

  // The shipped job, the shipped policy, and the token as the job's file says.
  beforeEach(async () => {
    gates = new Gates()
    const scaler = { job: JOB, mode: 'count' }
    shop = await NomadEdge.start(nomad, shippedPolicy('edge-count'), scaler, { max: ALL.length })
    await shop.type(shippedCommand(`${JOB}.nomad.hcl`, /nomad var put nomad/))
    await nomad.runExample(JOB, {
      app: gates.app,
      flags: ['--idle', '500ms'],
      edge: shop.tunnel,
    })
  })
  afterEach(async () => {
    for (const index of ALL) open(index)
    await shop?.close()
    await nomad.purge(JOB)
    await nomad.removeVariable(JOB)
    gates.remove()
    await expectNoLeftovers()
  })

  it('has its token renewed by the command in the file of the job', async () => {
    await nomad.putVariable(JOB, { token: 'an old one' })
    await shop.type(shippedCommand(`${JOB}.nomad.hcl`, /nomad var put -force/))
    // Nothing but base64url and dots, and the end of the line.
    expect(await nomad.variable(JOB)).toEqual({ token: expect.stringMatching(/^[\w.-]+\n$/) })
  })

  it('goes from zero to four and back to the one that still serves, and then to zero', async () => {
    const answers = await askByFour()
    for (const index of [1, 2, 3]) open(index)
    await untilWanted(1)
    // Three were removed, and the lowest one is still at it.
    expect((await nomad.running(JOB)).length).toBeGreaterThan(0)
    expect(started()).toEqual(ALL)
    open(0)
    await expectAllAnswered(answers)
    await untilNothing()
  })

  it('parks those that are idle below one that serves, recalls one of them, and removes all when the highest is idle', async () => {
    const answers = await askByFour()
    for (const index of [0, 1, 2]) open(index)
    await shop.edge.event('parked', undefined, 3, WAIT_MS)
    // Nomad would remove the highest, which serves: so nothing is removed.
    expect((await nomad.count(JOB)).wanted).toBe(ALL.length)
    const before = [...(await nomad.running(JOB))].sort()
    expect(before).toHaveLength(ALL.length)
    for (const index of [0, 1, 2]) shut(index)

    const another = shop.ask()
    await shop.edge.event('recalled', undefined, 1, WAIT_MS)
    await eventually('it serves', () => started().length === ALL.length + 1, WAIT_MS)
    expect([...(await nomad.running(JOB))].sort()).toEqual(before)
    expect(shop.edge.matching('launching')).toHaveLength(ALL.length)
    for (const index of [0, 1, 2]) open(index)
    expect(await another).toMatchObject({ status: 200, text: '0' })

    // Parked again; the highest is the last to go, and has not been cut.
    await shop.edge.event('parked', undefined, 4, WAIT_MS)
    expect((await nomad.count(JOB)).wanted).toBe(ALL.length)
    open(3)
    await expectAllAnswered(answers)
    await untilNothing()
  })
})
