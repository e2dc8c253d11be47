import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLacking } from '@brxy-tooling/engines'
import { type Answer, eventually, expectNoLeftovers, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { NomadEdge, NomadPlatform, shippedPolicy } from './nomad.testkit.ts'

const APP = fileURLToPath(new URL('gated-app.mjs', import.meta.url))
const JOB = 'shop-count'
const WAIT_MS = 60_000
/** Indexes of the four instances. */
const ALL = [0, 1, 2, 3]

let nomad: NomadPlatform
let shop: NomadEdge
let gates: { readonly path: string; remove(): void }

/** The instance with this index answers what it is asked. */
const open = (index: number) => writeFileSync(join(gates.path, `open-${index}`), '')
const shut = (index: number) => rmSync(join(gates.path, `open-${index}`))

/** Indexes of the instances that have begun to serve a request, once for each. */
function started(): number[] {
  const file = join(gates.path, 'started')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  return lines.map(Number).sort()
}

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

  // The shipped job, and the shipped policy.
  beforeEach(async () => {
    gates = tempDir()
    const scaler = { job: JOB, mode: 'count' }
    shop = await NomadEdge.start(nomad, shippedPolicy('edge-count'), scaler, { max: ALL.length })
    await nomad.putVariable(JOB, { token: await shop.linkerToken() })
    await nomad.runExample(JOB, {
      app: [process.execPath, APP, gates.path],
      flags: ['--idle', '500ms'],
      edge: shop.tunnel,
    })
  })
  afterEach(async () => {
    for (const index of ALL) open(index)
    await shop?.close()
    await nomad.purge(JOB)
    gates.remove()
    await expectNoLeftovers()
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
