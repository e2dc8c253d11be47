import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'

// The times are those of the protocol: 1 s to a PING, 2 s more.
vi.setConfig({ testTimeout: 30_000 })

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(() => edge.close())

const suspects = () =>
  edge.edge.status().apps.flatMap(({ instances }) => instances.filter(({ suspect }) => suspect).length)

describe('an instance that is silent after it was given a request', () => {
  it('gets no further one although it has slots, until it is heard again; what it has goes on', async () => {
    const older = await edge.linker({ slots: 2 })
    const silent = await edge.linker({ slots: 3 })
    silent.pause()
    const first = edge.client().get('/first')
    await eventually('suspicion', () => suspects()[0] === 1)
    // The newest is first in line, but for that.
    const second = edge.client().get('/second')
    ;(await older.next()).respond('from the older')
    await second.until('from the older')
    silent.resume()
    ;(await silent.next()).respond('late, but here')
    await first.until('late, but here')
    expect(suspects()).toEqual([0])
    edge.client().get('/third')
    expect((await silent.next()).head).toMatch(/^GET \/third /)
  })

  it('lets the others wait for somebody else, if there is nobody', async () => {
    const silent = await edge.linker({ slots: 3 })
    silent.pause()
    edge.client().get('/first')
    await eventually('suspicion', () => suspects()[0] === 1)
    edge.client().get('/second')
    await edge.untilHeld(1)
    const fresh = await edge.linker()
    expect((await fresh.next()).head).toMatch(/^GET \/second /)
  })
})
