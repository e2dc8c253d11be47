import { afterEach, describe, expect, it } from 'vitest'
import { TestEdge, type TestOptions } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'
import { FirstLooks } from './first-looks.ts'

let edge: TestEdge | null = null
afterEach(async () => {
  await edge?.close()
  edge = null
})

/** An edge that finds these instances of an earlier run, each of a route. */
async function edgeAfter(
  left: Readonly<Record<string, string>>,
  options: TestOptions = {},
): Promise<TestEdge> {
  const platform = new FakePlatform()
  for (const [id, route] of Object.entries(left)) platform.left(id, route)
  edge = await TestEdge.start(options, platform.choice)
  return edge
}

const appOf = (route: string) => edge?.edge.status().apps.find(({ app }) => app === route)
const found = (route: string) => appOf(route)?.launches.map(({ launch, phase }) => `${launch} ${phase}`) ?? []

describe('an edge that starts', () => {
  it('finds what is left of each configured app, although nobody asks for it', async () => {
    const apps = Object.fromEntries(
      ['shop', 'blog'].map((name) => [
        name,
        { hosts: [`${name}.example`], scaler: { name: 'fake', options: {} } },
      ]),
    )
    await edgeAfter({ 'i-1': 'shop', 'i-2': 'shop' }, { apps })
    await eventually('the first look', () => found('shop').length > 0)
    expect([found('shop'), found('blog')]).toEqual([['i-1 lost', 'i-2 lost'], []])
    expect(edge?.of('launching')).toEqual([])
  })

  it('is there for clients before it launches anything', async () => {
    const shop = { hosts: ['shop.example'], min: 2, scaler: { name: 'fake', options: {} } }
    await edgeAfter({}, { apps: { shop } })
    await eventually('the launches', () => edge?.of('launching').length === 2)
    const order = edge?.events.map(({ type }) => type).filter((type) => /listening|launching/.test(type))
    expect(order).toEqual(['listening', 'launching', 'launching'])
  })

  it('finds what is left of hosts that are apps of their own, by what the adapter knows', async () => {
    await edgeAfter({ 'i-1': 'a.example', 'i-2': 'b.example' })
    await eventually('the first looks', () => found('a.example').length > 0 && found('b.example').length > 0)
    expect([found('a.example'), found('b.example')]).toEqual([['i-1 lost'], ['i-2 lost']])
  })

  it('takes up no more hosts than there may be, and says so', async () => {
    const left = { 'i-1': 'a.example', 'i-2': 'b.example', 'i-3': 'c.example' }
    await edgeAfter(left, { defaults: { maxRoutes: 2 } })
    const warning = await eventually('the warning', () => edge?.of('scaler')[0])
    expect(warning).toMatchObject({ level: 'warn', fields: { scaler: 'fake', hosts: 1 } })
    expect(edge?.edge.status().apps.map(({ app }) => app)).toEqual(['a.example', 'b.example'])
  })

  it('takes up none that is not served here any more', async () => {
    await edgeAfter({ 'i-1': 'a.example', 'i-2': 'b.other' }, { hosts: ['*.other'] })
    await eventually('the first look', () => found('b.other').length > 0)
    expect(edge?.edge.status().apps.map(({ app }) => app)).toEqual(['b.other'])
  })
})

describe('FirstLooks', () => {
  it('are 32 at a time, in order, and the next one begins when one is over', () => {
    const looks = new FirstLooks()
    const begun: number[] = []
    const done: (() => void)[] = []
    for (let at = 0; at < 40; at++) {
      looks.add((over) => {
        begun.push(at)
        done.push(over)
      })
    }
    expect(begun).toEqual(Array.from({ length: 32 }, (_, at) => at))
    for (let at = 0; at < 40; at++) done[at]()
    expect(begun).toEqual(Array.from({ length: 40 }, (_, at) => at))
  })

  it('of which there is nothing to see go on to the next, however many', () => {
    const looks = new FirstLooks()
    const held: (() => void)[] = []
    for (let at = 0; at < 32; at++) looks.add((over) => held.push(over))
    let begun = 0
    for (let at = 0; at < 5_000; at++) {
      looks.add((over) => {
        begun++
        over()
      })
    }
    held[0]()
    expect(begun).toBe(5_000)
  })
})
