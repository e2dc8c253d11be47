import { RESET } from '@brxy/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { TestEdge, testConfiguration } from './edge.testkit.ts'
import type { EdgeConfiguration } from './edge.ts'
import { eventually, poll } from './eventually.testkit.ts'
import { freePorts, isOpen } from './port.testkit.ts'
import type { Adapters } from './scale/scalers.ts'
import { FakePlatform } from './scaler.testkit.ts'
import { edgeOptions, loadSettings } from './settings.ts'

type Apps = EdgeConfiguration['options']['apps']

let edge: TestEdge
const open: TestEdge[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function start(...args: Parameters<typeof TestEdge.start>): Promise<TestEdge> {
  edge = await TestEdge.start(...args)
  open.push(edge)
  return edge
}

const FAKE = { name: 'fake', options: {} }

/** An edge whose own ports stay the same over a reload. */
async function started(apps: Apps, adapters: Adapters = {}) {
  const [clients, tunnel, admin, ...ports] = await freePorts(5)
  const optionsOf = (next: Apps) => ({
    listen: [{ bind: `127.0.0.1:${clients}` }],
    tunnel: { bind: `127.0.0.1:${tunnel}` },
    admin: { bind: `127.0.0.1:${admin}` },
    ...(next === undefined ? {} : { apps: next }),
  })
  await start(optionsOf(apps), null, { adapters })
  const reload = (next: Apps) =>
    edge.edge.reload({ options: testConfiguration(optionsOf(next), null).options, adapters })
  return { clients, ports, reload }
}

const db = (port: number, more = {}) => ({ tcp: { bind: `127.0.0.1:${port}` }, ...more })

describe('TCP apps', () => {
  it('are each at an address of their own', async () => {
    await start({ apps: { one: db(0), two: db(0) } })
    const { tcp } = edge.of('listening')[0]
    for (const route of ['one', 'two']) {
      const linker = await edge.linker({ route })
      const client = edge.client(Number(tcp[route].split(':')[1])).send(route)
      const request = await linker.next()
      await poll(() => request.body.toString()).toBe(route)
      client.close()
    }
  })

  it('are on both loopback addresses if only a port is given', async () => {
    const [port] = await freePorts(1)
    await start({ apps: { db: { tcp: { bind: `${port}` } } } })
    expect(edge.of('listening')[0].tcp).toEqual({ db: `localhost:${port}` })
    const linker = await edge.linker({ route: 'db' })
    edge.client(port)
    ;(await linker.next()).write('x')
  })

  it('cannot be reached over HTTP', async () => {
    await start({ apps: { db: db(0), '127.0.0.1': db(0) } })
    const client = edge.client().get('/', '', 'db')
    expect(await client.until('no-app')).toMatch(/^HTTP\/1\.1 404 /)
    client.get('/', '', '127.0.0.1')
    expect(await client.until('no-app')).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('are launched by a connection, and told what their application speaks', async () => {
    const platform = new FakePlatform()
    const web = { hosts: ['web'], scaler: FAKE }
    const apps = { db: db(0, { scaler: FAKE }), web, rpc: { ...web, hosts: ['rpc'], h2c: true } }
    await start({ apps }, null, { adapters: { fake: platform.choice } })
    edge.client().get('/', '', 'web')
    edge.client().get('/', '', 'rpc')
    edge.client(Number(edge.of('listening')[0].tcp.db.split(':')[1]))
    await poll(() => platform.started.length).toBe(3)
    const env = Object.fromEntries(platform.started.map(({ route, launch }) => [route, launch.env]))
    expect(env.db).toMatchObject({ ROUTE: 'db', BRXY_ROUTE: 'db', BRXY_TCP: 'true' })
    expect(env.rpc).toMatchObject({ BRXY_H2C: 'true' })
    for (const [route, name] of [
      ['db', 'BRXY_H2C'],
      ['rpc', 'BRXY_TCP'],
      ['web', 'BRXY_TCP'],
      ['web', 'BRXY_H2C'],
    ] as const)
      expect(env[route]).not.toHaveProperty(name)
  })

  it('have no more clients than the edge may have', async () => {
    await start({ apps: { db: db(0) }, limits: { connections: 2 } })
    const port = Number(edge.of('listening')[0].tcp.db.split(':')[1])
    const first = edge.client(port)
    edge.client(port)
    await edge.untilHeld(2, 'db')
    expect(edge.edge.status().connections).toBe(2)
    const third = edge.client(port)
    await third.ended()
    expect(third.end).toBe('reset')
    first.reset()
    await edge.untilHeld(1, 'db')
    edge.client(port)
    await edge.untilHeld(2, 'db')
  })

  it('reset a client whose linker takes it for HTTP', async () => {
    await start({ apps: { db: db(0) } })
    const linker = await edge.linker({ route: 'db' })
    const client = edge.client(Number(edge.of('listening')[0].tcp.db.split(':')[1]))
    ;(await linker.next()).reset(RESET.BAD_HEAD)
    await client.ended()
    expect(client.end).toBe('reset')
    expect(await eventually('the event', () => edge.of('request')[0])).toMatchObject({
      method: 'TCP',
      error: 'edge/app-protocol',
    })
  })
})

describe('a reload', () => {
  it('opens the port of an app that is new, and closes that of one that is gone', async () => {
    const { ports, reload } = await started({})
    await reload({ db: db(ports[0]) })
    const linker = await edge.linker({ route: 'db' })
    const client = edge.client(ports[0])
    const request = await linker.next()
    await reload({})
    expect(await isOpen(ports[0])).toBe(false)
    // What runs ends by itself, as far as the drain allows; here that is not at all.
    await client.ended()
    expect(request.resetCode ?? request.lost).toBeTruthy()
  })

  it('leaves what runs and what is held of an app that stays alone', async () => {
    const { ports, reload } = await started({})
    await reload({ db: db(ports[0]) })
    const linker = await edge.linker({ route: 'db' })
    const running = edge.client(ports[0])
    const request = await linker.next()
    const held = edge.client(ports[0]).send('held')
    await edge.untilHeld(1, 'db')
    await reload({ db: db(ports[0], { max: 3 }), more: { hosts: ['more'] } })
    running.send('running')
    await poll(() => request.body.toString()).toBe('running')
    running.finish()
    request.finish()
    const next = await linker.next()
    await poll(() => next.body.toString()).toBe('held')
    held.close()
  })

  it('moves an app to another port, where what runs stays', async () => {
    const { ports, reload } = await started({})
    await reload({ db: db(ports[0]) })
    const linker = await edge.linker({ route: 'db', slots: 2 })
    const running = edge.client(ports[0])
    const request = await linker.next()
    await reload({ db: db(ports[1]) })
    expect(await isOpen(ports[0])).toBe(false)
    edge.client(ports[1])
    await linker.next()
    running.send('still here')
    await poll(() => request.body.toString()).toBe('still here')
  })

  it('gives a port to another app without closing it', async () => {
    const { ports, reload } = await started({})
    await reload({ one: db(ports[0]), two: db(ports[1]) })
    await reload({ one: db(ports[1]), two: db(ports[0]) })
    const linker = await edge.linker({ route: 'two' })
    edge.client(ports[0]).send('for two')
    const request = await linker.next()
    await poll(() => request.body.toString()).toBe('for two')
  })

  it('resets what is held for an app that speaks HTTP from now on', async () => {
    const { ports, reload } = await started({})
    await reload({ app: db(ports[0]) })
    const client = edge.client(ports[0])
    await edge.untilHeld(1, 'app')
    await reload({ app: { hosts: ['app'] } })
    await client.ended()
    expect(client.end).toBe('reset')
    expect(edge.of('request')[0]).toMatchObject({ app: 'app', error: 'edge/no-app' })
    // And the other way round.
    const web = edge.client().get('/', '', 'app')
    await edge.untilHeld(1, 'app')
    await reload({ app: db(ports[0]) })
    expect(await web.until('no-app')).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('changes nothing if the port is taken', async () => {
    const { clients, ports, reload } = await started({})
    await reload({ db: db(ports[0]) })
    await expect(reload({ db: db(ports[1]), other: db(edge.adminPort) })).rejects.toMatchObject({
      code: 'options/invalid',
    })
    const blocker = await TestEdge.start({ apps: { x: db(ports[1]) } })
    await expect(reload({ db: db(ports[1]) })).rejects.toMatchObject({ code: 'edge/address-in-use' })
    await blocker.close()
    expect(await isOpen(ports[0])).toBe(true)
    expect(await isOpen(clients)).toBe(true)
  })

  it('changes nothing if the port is taken while one that the kernel chose leaves', async () => {
    const { ports, reload } = await started({ db: db(0) })
    const blocker = await TestEdge.start({ apps: { x: db(ports[1]) } })
    open.push(blocker)
    await expect(reload({ other: db(ports[1]) })).rejects.toMatchObject({ code: 'edge/address-in-use' })
    expect(await isOpen(Number(edge.of('listening')[0].tcp.db.split(':')[1]))).toBe(true)
  })
})

describe('what an app with a TCP port cannot be', () => {
  const mistakesOf = async (app: object, more: object = {}) => {
    const found: string[] = []
    const options = edgeOptions({ apps: { db: { tcp: { bind: ':5432' }, ...app }, ...more } })
    await loadSettings(options, '.', ({ message }) => void found.push(message))
    return found
  }

  it.each([
    ['hosts', { hosts: ['db.example.com'] }],
    ['paths', { paths: [{ prefix: '/db' }] }],
    ['perHost', { perHost: true }],
    ['h2c', { h2c: true }],
    ['passive', { passive: [{ path: '/healthz' }] }],
    ['waiting', { waiting: { fallback: '127.0.0.1:1' } }],
  ])('has %s', async (name, app) => {
    expect(await mistakesOf(app)).toContain(`apps.db.${name}: cannot be given with tcp: it is about HTTP`)
  })

  it('is where something else is', async () => {
    expect(await mistakesOf({}, { other: { tcp: { bind: ':5432' } } })).toEqual([
      'apps.other.tcp.bind: :5432 is that of apps.db.tcp.bind already; choose another one',
    ])
    expect(await mistakesOf({ tcp: { bind: '127.0.0.1:9080' } })).toEqual([
      'apps.db.tcp.bind: 127.0.0.1:9080 is that of tunnel.bind already; choose another one',
    ])
  })

  it('is at no address', async () => {
    expect(await mistakesOf({ tcp: { bind: 'nowhere' } })).toEqual([
      'apps.db.tcp.bind: "nowhere" is no address; expected PORT, HOST:PORT or [IPV6]:PORT',
    ])
  })
})
