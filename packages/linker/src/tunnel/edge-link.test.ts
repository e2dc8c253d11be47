import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { RawApp } from '../forward/raw-app.testkit.ts'
import { LinkerUnderTest, type LinkOptions } from '../linked.testkit.ts'
import { TestEdge } from './edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

let app: RawApp
let edge: TestEdge
const closing: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  app = await RawApp.answering(OK)
  edge = await TestEdge.start()
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await edge.close()
  await app.close()
  expect(edge.bugs).toEqual([])
})

function link(options: LinkOptions = {}, edges = [edge.address]): LinkerUnderTest {
  const made = new LinkerUnderTest(edges, app.port, options)
  closing.push(async () => {
    await made.close()
    expect(made.of('bug')).toEqual([])
  })
  return made
}

/** The same edge again: a new process at the old address. */
async function restarted(): Promise<TestEdge> {
  const { port } = edge
  await edge.close()
  edge = await TestEdge.start({ port })
  return edge
}

describe('a link', () => {
  test('introduces its instance', async () => {
    link({ options: { concurrency: 3 } })
    const { hello } = await edge.session()
    expect(hello).toMatchObject({ route: 'shop.example', slots: 3, versions: [1, 1], labels: {} })
    expect(hello?.instance).toMatch(/^[0-9a-f]{32}$/)
    expect(hello).not.toHaveProperty('replaces')
    expect(hello).not.toHaveProperty('received')
  })

  test('says farewell when it ends', async () => {
    const one = link()
    const session = await edge.granted(1)
    await one.close()
    await until('the farewell', () => session.end !== null)
    expect(session.end).toMatchObject({ code: 'link/left', retryable: false, clean: true })
  })

  test('dials again when the edge vanishes, and says which session it continues', async () => {
    const one = link()
    const session = await edge.granted(1)
    await session.get()
    await until('the grant is back', () => session.session.unspent === 1)
    await session.get()
    edge.cut()
    const next = await edge.granted(1, 1)
    expect(next.hello).toMatchObject({ replaces: 's-1', received: 2, instance: session.hello?.instance })
    expect((await next.get()).text).toBe('ok')
    expect(one.of('disconnected').length).toBe(1)
  })

  test('goes on from the last session that was up, whatever failed in between', async () => {
    edge.answer = (_hello, count) => {
      if (count === 0) return { session: 'the-first' }
      if (count === 1) return { code: 'edge/stopping', message: 'not now', retryable: true }
      return { session: 'the-third' }
    }
    const one = link()
    const session = await edge.granted(1)
    await session.get()
    edge.cut()
    const third = await edge.granted(1, 2)
    expect(third.hello).toMatchObject({ replaces: 'the-first', received: 1 })
    expect(one.of('connected').length).toBe(2)
    expect(one.of('disconnected').length).toBe(1)
  })

  test('outlives an edge that is away for a while', async () => {
    const one = link()
    await edge.granted(1)
    await restarted()
    await edge.granted(1)
    expect(one.exitCode).toBe(null)
  })

  test('keeps its distance from an edge that accepts and hangs up', async () => {
    link()
    const first = await edge.session()
    const since = performance.now()
    first.session.goaway('edge/replaced', '', true)
    for (let at = 1; at < 6; at++) (await edge.session(at)).session.goaway('edge/replaced', '', true)
    // 10, 20, 40, 80, 160 ms, of which half at least.
    expect(performance.now() - since).toBeGreaterThan(150)
  })

  test('waits as long as the edge asks it to', async () => {
    const one = link()
    const session = await edge.granted(1)
    const since = performance.now()
    session.session.goaway('edge/stopping', 'come back later', true, 400)
    await edge.session(1)
    expect(performance.now() - since).toBeGreaterThan(390)
    expect(one.of('disconnected')[0]).toMatchObject({ code: 'edge/stopping', message: 'come back later' })
  })

  test('to an edge that drains lends nothing, however often it gets its grants back', async () => {
    link({ options: { concurrency: 2 } })
    const session = await edge.granted(2)
    session.session.drain()
    await until('they are back', () => session.session.unspent === 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(session.log.filter((what) => /grant/.test(what))).toEqual(['grant 2', 'ungrant 2'])
  })
})

describe('the token', () => {
  test('is the configured one at first, then the one that the edge renewed', async () => {
    edge.answer = (_hello, count) => ({ token: `renewed-${count}` })
    link()
    const session = await edge.granted(1)
    edge.cut()
    const second = await edge.granted(1, 1)
    second.session.token('by-frame')
    // In order with what follows it.
    await second.get()
    edge.cut()
    await edge.granted(1, 2)
    expect(edge.tokens).toEqual(['Bearer configured', 'Bearer renewed-0', 'Bearer by-frame'])
    expect(session.end?.clean).toBe(false)
  })

  test('is read anew at each dial, and a configured one that changed is the newer', async () => {
    let configured = 'first'
    edge.answer = () => ({ token: 'renewed' })
    link({ token: () => configured })
    await edge.granted(1)
    configured = 'second'
    edge.cut()
    await edge.granted(1, 1)
    expect(edge.tokens).toEqual(['Bearer first', 'Bearer second'])
  })

  test('that was renewed survives an edge that is away', async () => {
    edge.answer = () => ({ token: 'renewed' })
    const one = link()
    await edge.granted(1)
    const { port } = edge
    await edge.close()
    await until('some dials', () => one.of('refused').length >= 2)
    edge = await TestEdge.start({ port })
    await edge.granted(1)
    expect(edge.tokens).toEqual(['Bearer renewed'])
  })

  test('that was renewed and is refused gives way to the configured one, at once', async () => {
    edge.answer = () => ({ token: 'renewed' })
    const one = link()
    await edge.granted(1)
    edge.refusal = { status: 401, body: '{"code":"token/forged","message":"another secret"}' }
    edge.cut()
    await until('the renewed one is refused', () => edge.tokens.length === 2)
    edge.refusal = null
    await edge.granted(1, 1)
    expect(edge.tokens).toEqual(['Bearer configured', 'Bearer renewed', 'Bearer configured'])
    expect(one.of('refused')).toMatchObject([{ code: 'token/forged', isFinal: false }])
  })

  test('that cannot be read is said, and tried again', async () => {
    let broken = true
    const one = link({
      token: () => {
        if (broken) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
        return 'configured'
      },
    })
    await until('it is said', () => one.of('refused').length > 0)
    expect(one.of('refused')[0]).toMatchObject({ code: 'link/token-file', isFinal: false })
    broken = false
    await edge.granted(1)
  })
})

describe('a refusal', () => {
  test('of the token is said plainly and ends a linker that was never connected with 77', async () => {
    edge.refusal = { status: 401, body: '{"code":"token/expired","message":"the token expired yesterday"}' }
    const one = link()
    expect(await one.exits()).toBe(77)
    expect(one.of('refused')).toEqual([
      {
        type: 'refused',
        edge: edge.address,
        code: 'token/expired',
        message: `${edge.address}: the token expired yesterday`,
        isFinal: true,
      },
    ])
  })

  test('of the route, in REJECT, too', async () => {
    edge.answer = () => ({ code: 'token/foreign-route', message: 'the token allows blog', retryable: false })
    const one = link()
    expect(await one.exits()).toBe(77)
    expect(one.of('refused')[0]).toMatchObject({ code: 'token/foreign-route', isFinal: true })
  })

  test('for another reason that no time changes ends it with 69', async () => {
    edge.answer = () => ({ code: 'protocol/version', message: 'too old', retryable: false })
    expect(await link().exits()).toBe(69)
  })

  test('by one of two edges does not end it', async () => {
    const other = await TestEdge.start()
    closing.push(() => other.close())
    other.refusal = { status: 401, body: '{"code":"token/forged","message":"another secret"}' }
    const one = link({}, [other.address, edge.address])
    await edge.granted(1)
    await until('the other refuses', () => one.of('refused').length === 1)
    expect(one.exitCode).toBe(null)
  })

  test('after it was connected is not the end, and is not repeated every few milliseconds', async () => {
    const one = link()
    await edge.granted(1)
    edge.refusal = { status: 401, body: '{"code":"token/forged","message":"another secret"}' }
    edge.cut()
    await until('it is refused', () => one.of('refused').length === 1)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(edge.tokens.length).toBe(2)
    expect(one.exitCode).toBe(null)
  })

  test('that is temporary is tried again, not before the edge wants it', async () => {
    const later = { code: 'edge/full', message: 'later', retryable: true, retryAfterMs: 300 }
    edge.answer = (_hello, count): typeof later | object => (count === 0 ? later : {})
    const since = performance.now()
    const one = link()
    await edge.granted(1, 1)
    expect(performance.now() - since).toBeGreaterThan(290)
    expect(one.of('refused')).toMatchObject([{ code: 'edge/full', isFinal: false }])
  })
})

test('no edge at all: gives up after its time with 69', async () => {
  const since = performance.now()
  const one = link({ options: { lostMs: 300 } }, ['127.0.0.1:1'])
  expect(await one.exits()).toBe(69)
  expect(performance.now() - since).toBeGreaterThan(290)
  expect(one.of('refused').length).toBeGreaterThan(2)
  expect(one.of('refused')[0]).toMatchObject({ code: 'link/unreachable' })
})
