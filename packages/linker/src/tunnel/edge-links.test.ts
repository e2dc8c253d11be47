import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { RawApp } from '../forward/raw-app.testkit.ts'
import { LinkerUnderTest, type LinkOptions } from '../linked.testkit.ts'
import { TestEdge, type TestEdgeOptions } from './edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const

let app: RawApp
const closing: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  app = await RawApp.answering(OK)
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await app.close()
})

/** An edge that lets one session of an instance in, as real ones do. */
async function edge(at: number, options: TestEdgeOptions = {}): Promise<TestEdge> {
  const id = `e-${at}`
  const made = await TestEdge.start({ host: HOSTS[at], ...options })
  const welcome = () => ({ edge: id, edges: [made.address], ...options.welcome })
  made.answer = (hello, count) => {
    const isOurs = hello.replaces === id || hello.replaces?.startsWith(`${id}-`)
    if (
      made.sessions.some(({ end, hello: other }) => other !== null && other !== hello && end === null) &&
      !isOurs
    )
      return { code: 'edge/already-connected', message: 'there is one', retryable: true, edge: id }
    return { ...welcome(), session: `${id}-${count}` }
  }
  closing.push(async () => {
    await made.close()
    expect(made.bugs).toEqual([])
  })
  return made
}

/** Three edges on one port, as the machines behind one name are. */
async function three(): Promise<TestEdge[]> {
  const first = await edge(0)
  const { port } = first
  return [first, await edge(1, { port }), await edge(2, { port })]
}

function link(edges: string[], options: LinkOptions = {}): LinkerUnderTest {
  const made = new LinkerUnderTest(edges, app.port, {
    ...options,
    options: { concurrency: 3, edgeResolveMs: 100, ...options.options },
  })
  closing.push(async () => {
    await made.close()
    expect(made.of('bug')).toEqual([])
  })
  return made
}

/** A session with its grant at each edge, and none besides. */
async function eachHasOne(edges: readonly TestEdge[]): Promise<void> {
  for (const one of edges) await until('a session', () => live(one) === 1)
}

const live = ({ sessions }: TestEdge) =>
  sessions.filter(({ hello, end }) => hello !== null && end === null).length

describe('a name of several addresses', () => {
  test('is one edge for each, and each gets requests', async () => {
    const edges = await three()
    link([`edges.example:${edges[0].port}`], { lookup: async () => HOSTS })
    await eachHasOne(edges)
    for (const one of edges) {
      const session = await one.session()
      session.session.setDemand(1, one.wheel.now())
      await until('a grant', () => session.session.unspent > 0)
      session.session.setDemand(0, one.wheel.now())
      expect((await session.get()).text).toBe('ok')
    }
  })

  test('is what Host says, whatever the address', async () => {
    const [first] = await three()
    const { port } = first
    link([`edges.example:${port}`], { lookup: async () => ['127.0.0.1'] })
    await first.session()
    expect(first.hosts).toEqual([`edges.example:${port}`])
  })

  test('that gets another one later has that dialled while the others go on', async () => {
    const edges = await three()
    let ips: readonly string[] = HOSTS.slice(0, 2)
    link([`edges.example:${edges[0].port}`], { lookup: async () => ips })
    await eachHasOne(edges.slice(0, 2))
    ips = HOSTS
    await eachHasOne(edges)
    expect(edges[0].sessions).toHaveLength(1)
  })

  test('that loses one keeps its session until that ends, and dials it no more', async () => {
    const edges = await three()
    let ips: readonly string[] = HOSTS.slice(0, 2)
    let lookups = 0
    const lookup = async () => {
      lookups++
      return ips
    }
    const one = link([`edges.example:${edges[0].port}`], { lookup })
    await eachHasOne(edges.slice(0, 2))
    ips = HOSTS.slice(0, 1)
    const before = lookups
    await until('it was looked up again', () => lookups > before + 1)
    expect(live(edges[1])).toBe(1)
    edges[1].cut()
    await until('the session is over', () => one.of('disconnected').length === 1)
    const after = lookups
    await until('it was looked up again', () => lookups > after + 3)
    expect(edges[1].sessions).toHaveLength(1)
    expect(live(edges[0])).toBe(1)
  })

  test('is looked up before a session is dialled again', async () => {
    const edges = await three()
    let ips: readonly string[] = ['127.0.0.1']
    link([`edges.example:${edges[0].port}`], {
      options: { edgeResolveMs: 3_600_000 },
      lookup: async () => ips,
    })
    await eachHasOne(edges.slice(0, 1))
    ips = ['127.0.0.2']
    edges[0].cut()
    await eachHasOne(edges.slice(1, 2))
    expect(edges[0].sessions).toHaveLength(1)
  })

  test('that cannot be found is looked up again and again, and that is said', async () => {
    const [first] = await three()
    let fails = 3
    const one = link([`edges.example:${first.port}`], {
      lookup: async () => {
        if (--fails >= 0) throw new Error('getaddrinfo ENOTFOUND edges.example')
        return ['127.0.0.1']
      },
    })
    await first.granted(3)
    expect(one.of('refused')).toHaveLength(3)
    expect(one.of('refused')[0]).toMatchObject({
      code: 'link/unreachable',
      message: expect.stringContaining('ENOTFOUND'),
      isFinal: false,
    })
    expect(one.exitCode).toBe(null)
  })
})

test('an address or localhost is not looked up', async () => {
  const [first] = await three()
  let lookups = 0
  const lookup = async () => {
    lookups++
    return []
  }
  link([`127.0.0.1:${first.port}`, `localhost:${first.port}`], { lookup })
  await first.session()
  expect(lookups).toBe(0)
})

describe('the edges in WELCOME', () => {
  test('are dialled as well, and a session there outlives the one that named it', async () => {
    const second = await edge(1)
    const first = await edge(0, { welcome: { edges: ['ws://127.0.0.1:1', second.address] } })
    const one = link([first.address])
    await eachHasOne([first, second])
    first.cut()
    await until('it dials again', () => live(first) === 1 && first.sessions.length === 2)
    expect(live(second)).toBe(1)
    expect(one.of('disconnected')).toHaveLength(1)
  })

  test('of which two lead to one edge are one session, and nobody is told', async () => {
    const first = await edge(0)
    const one = link([`localhost:${first.port}`, first.address])
    await eachHasOne([first])
    await until('the second was refused', () => first.sessions.length === 2)
    expect(one.of('refused')).toEqual([])
  })

  test('have the other address of an edge dialled when the first fails', async () => {
    // Both addresses lead to this one until the first is closed.
    const second = await edge(1)
    const first = await edge(0, { welcome: { edge: 'e-1', edges: [second.address] } })
    link([first.address])
    await eachHasOne([first])
    expect(second.sessions).toHaveLength(0)
    await first.close()
    await eachHasOne([second])
    expect(second.sessions[0].hello?.replaces).toBe('e-0-0')
  })
})

test('an edge that has a session which its linker knows nothing of is told that it is lost', async () => {
  const first = await edge(0)
  const { answer } = first
  // The first WELCOME does not arrive, and the edge does not notice that the connection is gone.
  first.answer = (hello, count) => {
    if (count === 0) {
      first.sessions[0].socket.destroy()
      return null
    }
    if (hello.replaces === undefined)
      return { code: 'edge/already-connected', message: 'there is one', retryable: true, edge: 'e-0' }
    return answer(hello, count)
  }
  link([first.address])
  await until('it is let in', () => live(first) === 1 && first.sessions.length === 3)
  expect(first.sessions[2].hello).toMatchObject({ replaces: 'e-0' })
  expect(first.sessions[2].hello).not.toHaveProperty('received')
})
