import { afterEach, describe, expect, it } from 'vitest'
import { TestEdge, testConfiguration } from './edge.testkit.ts'
import type { EdgeConfiguration } from './edge.ts'
import { eventually } from './eventually.testkit.ts'
import { freePorts, isOpen } from './port.testkit.ts'
import type { Adapters } from './scale/scalers.ts'
import { FakePlatform } from './scaler.testkit.ts'

type Options = EdgeConfiguration['options']

let edge: TestEdge
let tunnel: number
let admin: number
let listen: number
afterEach(() => edge.close())

/** An edge on fixed ports, so that each reload can name them again. */
async function started(apps: Options['apps'], adapters: Adapters = {}): Promise<void> {
  ;[listen, tunnel, admin] = await freePorts(3)
  edge = await TestEdge.start(optionsOf(apps), null, { adapters })
}

function optionsOf(apps: Options['apps'], more: Options = {}): Options {
  return {
    listen: [{ bind: `127.0.0.1:${listen}` }],
    tunnel: { bind: `127.0.0.1:${tunnel}` },
    admin: { bind: `127.0.0.1:${admin}` },
    ...(apps === undefined ? {} : { apps }),
    ...more,
  }
}

function reload(apps: Options['apps'], more: Options = {}, adapters: Adapters = {}): Promise<void> {
  const { options } = testConfiguration(optionsOf(apps, more), null)
  return edge.edge.reload({ options, adapters })
}

const SHOP = { shop: { hosts: ['shop'] } }
const FAKE = { name: 'fake', options: {} }

describe('a reload', () => {
  it('serves an app that is new', async () => {
    await started(SHOP)
    const client = edge.client().get('/', '', 'blog')
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 404/)
    await reload({ ...SHOP, blog: { hosts: ['blog'] } })
    const linker = await edge.linker({ route: 'blog' })
    client.get('/', '', 'blog')
    ;(await linker.next()).respond('hello')
    await client.until('hello')
  })

  it('lets what is held and what runs of an app that stays go on', async () => {
    await started(SHOP)
    const linker = await edge.linker()
    const running = edge.client().get('/running')
    const request = await linker.next()
    const held = edge.client().get('/held')
    await edge.untilHeld(1)
    await reload({ shop: { hosts: ['shop'], holdMs: 9_000, max: 3 } })
    request.respond('one')
    await running.until('one')
    ;(await linker.next()).respond('two')
    await held.until('two')
  })

  it('puts new limits of an app in force', async () => {
    await started(SHOP)
    edge.client().get()
    await edge.untilHeld(1)
    await reload({ shop: { hosts: ['shop'], queue: { requests: 1 } } })
    expect(await edge.client().get().until('}')).toMatch(/^HTTP\/1.1 503 [\s\S]*edge\/hold-full/)
    await reload(SHOP)
    edge.client().get()
    await edge.untilHeld(2)
  })

  it('starts what a higher max allows for what is held', async () => {
    const platform = new FakePlatform()
    const adapters = { fake: platform.choice }
    const app = (max: number) => ({ shop: { hosts: ['shop'], slots: 1, max, scaler: FAKE } })
    await started(app(1), adapters)
    edge.client().get()
    edge.client().get()
    edge.client().get()
    await eventually('a launch', () => platform.started.length === 1)
    await reload(app(3), {}, adapters)
    await eventually('three launches', () => platform.started.length === 3)
  })

  it('keeps instances running as `min` says, from nobody asking to none needed', async () => {
    const platform = new FakePlatform()
    const adapters = { fake: platform.choice }
    const app = (min: number) => ({ shop: { hosts: ['shop'], min, scaler: FAKE } })
    await started(app(0), adapters)
    await reload(app(2), {}, adapters)
    await eventually('two launches', () => platform.started.length === 2)
    const [launch] = platform.started.map((start) => start.launch.id)
    const linker = await edge.linker({ launch })
    await reload(app(0), {}, adapters)
    linker.session.leave()
    await eventually('a verdict', () => linker.verdicts.length === 1)
  })

  it('retires an app that is gone: what runs finishes, what is held and what comes is answered 404', async () => {
    const platform = new FakePlatform()
    const adapters = { fake: platform.choice }
    await started({ shop: { hosts: ['shop'], max: 1, scaler: FAKE } }, adapters)
    const running = edge.client().get('/running')
    await eventually('a launch', () => platform.started.length === 1)
    const linker = await edge.linker({ launch: platform.started[0].launch.id })
    const request = await linker.next()
    const held = edge.client().get('/held')
    await edge.untilHeld(1)
    await reload({}, { timeouts: { drainMs: 5_000 } })
    expect(await held.until('}')).toMatch(/^HTTP\/1.1 404 [\s\S]*edge\/no-app/)
    expect(await edge.client().get().until('}')).toMatch(/^HTTP\/1.1 404/)
    expect(platform.removed).toEqual([])
    request.respond('finished')
    await running.until('finished')
    await eventually('the farewell', () => linker.end !== null)
    expect(linker.end).toMatchObject({ code: 'edge/app-removed', retryable: false })
    await eventually('the removal', () => platform.removed.length === 1)
    await eventually('the end of the scaler', () => platform.isClosed)
    expect(edge.edge.status().apps).toEqual([])
  })

  it('cuts what an app that is gone has not finished within `drain`', async () => {
    await started(SHOP)
    const linker = await edge.linker({ slots: 2 })
    const safe = edge.client().get()
    await linker.next()
    const unsafe = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n')
    await linker.next()
    await reload({}, { timeouts: { drainMs: 50, lostSessionMs: 0 } })
    // What may be sent again has nowhere to go.
    expect(await safe.until('}')).toMatch(/^HTTP\/1.1 404 [\s\S]*edge\/no-app/)
    expect(await unsafe.until('}')).toMatch(/^HTTP\/1.1 502 [\s\S]*edge\/tunnel-lost/)
  })

  it('puts a shorter hold in force for what is held already', async () => {
    await started(SHOP)
    const first = edge.client().get()
    await edge.untilHeld(1)
    await reload({ shop: { hosts: ['shop'], holdMs: 100 } })
    expect(await first.until('}')).toMatch(/^HTTP\/1.1 504 [\s\S]*edge\/hold-timeout/)
  })

  it('gives what an app holds to its successor with another scaler, and removes what the old one started', async () => {
    const [old, young] = [new FakePlatform(), new FakePlatform()]
    const adapters = { old: old.choice, young: young.choice }
    const app = (name: string) => ({ shop: { hosts: ['shop'], scaler: { name, options: {} } } })
    await started(app('old'), adapters)
    const client = edge.client().get()
    await eventually('a launch', () => old.started.length === 1)
    await reload(app('young'), {}, adapters)
    await eventually('a launch of the other', () => young.started.length === 1)
    const linker = await edge.linker({ launch: young.started[0].launch.id })
    ;(await linker.next()).respond('young')
    await client.until('young')
    await eventually('the removal', () => old.removed.length === 1)
    await eventually('the end of the old scaler', () => old.isClosed)
    expect([young.removed, young.isClosed]).toEqual([[], false])
  })

  it('gives the options of a scaler to it, and lets what runs be', async () => {
    const seen: unknown[] = []
    const platform = new FakePlatform()
    const { app } = platform
    platform.app = (route: string, options?: unknown) => {
      seen.push(options)
      return app.call(platform, route)
    }
    const adapters = { fake: platform.choice }
    const of = (image: string) => ({
      shop: { hosts: ['shop'], scaler: { name: 'fake', options: { image } } },
    })
    await started(of('v1'), adapters)
    edge.client().get()
    await eventually('a launch', () => platform.started.length === 1)
    await reload(of('v2'), {}, adapters)
    expect(seen.at(-1)).toEqual({ image: 'v2' })
    expect([platform.removed, platform.isClosed]).toEqual([[], false])
  })

  it('opens new ports and closes old ones; their clients are told with their next response', async () => {
    await started(SHOP)
    const linker = await edge.linker()
    const client = edge.client(listen).get()
    ;(await linker.next()).respond('one')
    expect(await client.until('one')).not.toMatch(/connection: close/i)
    const [other] = await freePorts(1)
    await reload(SHOP, { listen: [{ bind: `127.0.0.1:${other}` }] })
    expect([await isOpen(listen), await isOpen(other)]).toEqual([false, true])
    client.get()
    ;(await linker.next()).respond('two')
    expect(await client.ended()).toMatch(/\r\nConnection: close\r\n[\s\S]*two$/)
  })

  it.each([
    ['wider', '127.0.0.1', ''],
    ['narrower', '', '127.0.0.1'],
  ])('makes an address %s, although the port is its own', async (_, before, after) => {
    const [port] = await freePorts(1)
    const at = (host: string) => ({ listen: [{ bind: `${host}:${port}` }] })
    await started(SHOP)
    await reload(SHOP, at(before))
    const linker = await edge.linker()
    const client = edge.client(port).get()
    ;(await linker.next()).respond('one')
    await client.until('one')
    await reload(SHOP, at(after))
    expect(await isOpen(port)).toBe(true)
    const other = edge.client(port).get()
    ;(await linker.next()).respond('two')
    await other.until('two')
  })

  it('has the old address again when something else is wrong', async () => {
    const [port] = await freePorts(1)
    await started(SHOP)
    await reload(SHOP, { listen: [{ bind: `127.0.0.1:${port}` }] })
    const wrong = { listen: [{ bind: `:${port}` }, { bind: `127.0.0.1:${admin}` }] }
    await expect(reload(SHOP, wrong)).rejects.toMatchObject({ code: 'edge/address-in-use' })
    expect(await isOpen(port)).toBe(true)
    expect(await isOpen(admin)).toBe(true)
    await reload(SHOP, { listen: [{ bind: `127.0.0.1:${port}` }] })
    expect(await isOpen(port)).toBe(true)
  })

  it('moves the tunnel and the admin port, and no session ends', async () => {
    await started(SHOP)
    const linker = await edge.linker()
    const [otherTunnel, otherAdmin] = await freePorts(2)
    const more = { tunnel: { bind: `127.0.0.1:${otherTunnel}` }, admin: { bind: `127.0.0.1:${otherAdmin}` } }
    await reload(SHOP, more)
    expect(await Promise.all([tunnel, admin, otherTunnel, otherAdmin].map(isOpen))).toEqual([
      false,
      false,
      true,
      true,
    ])
    const client = edge.client().get()
    ;(await linker.next()).respond('still here')
    await client.until('still here')
  })

  it('takes tokens of the old secret and the new one', async () => {
    await started(SHOP)
    await reload(SHOP, { secret: 'another secret for tests' })
    // The testkit signs with the first one.
    await edge.linker()
    await reload(SHOP, { secret: 'and a third one for tests' })
    await expect(edge.linker()).rejects.toThrow('401')
  })

  it.each<[string, () => Options, string]>([
    [
      'a route that is claimed twice',
      () => ({ apps: { a: { hosts: ['x'] }, b: { hosts: ['x'] } } }),
      'options/invalid',
    ],
    [
      'a port that is taken',
      () => ({ listen: [{ bind: `127.0.0.1:${listen}` }, { bind: `127.0.0.1:${admin}` }] }),
      'edge/address-in-use',
    ],
    ['a scaler that nobody brought', () => ({ apps: { a: { scaler: FAKE } } }), 'edge/no-adapter'],
    [
      'more instances kept than may be',
      () => ({ apps: { a: { hosts: ['a'], min: 3, max: 2, slots: 1 } } }),
      'options/invalid',
    ],
    ['a secret that is too short', () => ({ secret: 'short' }), 'edge/bad-secret'],
  ])('changes nothing with %s', async (_, wrong, code) => {
    await started(SHOP)
    const linker = await edge.linker()
    const [other] = await freePorts(1)
    const more = { admin: { bind: `127.0.0.1:${other}` }, ...wrong() }
    if (code === 'edge/address-in-use') more.admin = { bind: `127.0.0.1:${admin}` }
    await expect(reload({ blog: { hosts: ['blog'] } }, more)).rejects.toMatchObject({ code })
    expect([await isOpen(other), await isOpen(admin), await isOpen(listen)]).toEqual([false, true, true])
    const client = edge.client().get()
    ;(await linker.next()).respond('as before')
    await client.until('as before')
    expect(await edge.client().get('/', '', 'blog').until('}')).toMatch(/^HTTP\/1.1 404/)
  })

  it('happens after the one before it, and not to an edge that stops', async () => {
    await started(SHOP)
    await Promise.all([reload({}), reload(SHOP), reload({ blog: { hosts: ['blog'] } })])
    expect(edge.edge.status().apps.map(({ app }) => app)).toEqual(['blog'])
    const stopped = edge.edge.stop()
    await expect(reload(SHOP)).rejects.toMatchObject({ code: 'edge/stopping' })
    await stopped
  })
})
