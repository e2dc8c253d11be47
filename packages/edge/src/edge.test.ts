import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge, type TestOptions, testConfiguration } from './edge.testkit.ts'
import { Edge } from './edge.ts'
import { eventually } from './eventually.testkit.ts'
import { isOpen, portOf } from './port.testkit.ts'
import type { Adapter } from './scale/scalers.ts'
import { FakePlatform } from './scaler.testkit.ts'

let stateDir: string
const edges: Edge[] = []
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'brxy-edge-'))
})
afterEach(async () => {
  for (const edge of edges.splice(0)) await edge.stop()
  await rm(stateDir, { recursive: true, force: true })
})

function edgeWith(
  options: TestOptions = {},
  adapter: Adapter | null = null,
  more: { owner?: string } = {},
): Edge {
  const edge = new Edge({
    ...testConfiguration(options, adapter),
    ...more,
    stateDir,
    version: '1.2.3',
    onEvent: () => {},
  })
  edges.push(edge)
  return edge
}

describe('an edge that starts', () => {
  it.each([
    ['by its option, before all else', { owner: 'staging' }, 'brxy /etc/brxy/brxy.yaml', 'staging'],
    ['by whoever composed it', {}, 'brxy /etc/brxy/brxy.yaml', 'brxy /etc/brxy/brxy.yaml'],
  ])('marks what it starts %s', async (_how, options, owner, mark) => {
    const platform = new FakePlatform()
    const edge = edgeWith(options, platform.choice, { owner })
    await edge.start()
    expect(platform.host.owner).toBe(mark)
  })

  it('says where it listens', async () => {
    const { clients, tunnel, admin } = await edgeWith({
      listen: [{ bind: '127.0.0.1:0' }, { bind: '127.0.0.1:0' }],
    }).start()
    expect(clients).toHaveLength(2)
    for (const address of [...clients, tunnel, admin]) {
      expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(await isOpen(portOf(address))).toBe(true)
    }
  })

  it('listens on both loopback addresses when a port is all that is said', async () => {
    const { clients } = await edgeWith({ listen: [{ bind: '0' }] }).start()
    expect(clients).toEqual([expect.stringMatching(/^localhost:\d+$/)])
    expect(await isOpen(portOf(clients[0]))).toBe(true)
  })

  it('takes a port alone for one of this machine, also for tunnel and admin', async () => {
    const { tunnel, admin } = await edgeWith({ tunnel: { bind: '0' }, admin: { bind: '0' } }).start()
    expect([tunnel, admin]).toEqual([expect.stringMatching(/^127/), expect.stringMatching(/^127/)])
    const all = await edgeWith({ tunnel: { bind: ':0' } }).start()
    expect(all.tunnel).toMatch(/^(\[::\]|0\.0\.0\.0):/)
  })

  it.each(['listen', 'tunnel', 'admin'] as const)(
    'says which port is taken (%s), and holds none itself then',
    async (name) => {
      const { clients } = await edgeWith().start()
      const taken = clients[0]
      const second = edgeWith({ [name]: name === 'listen' ? [{ bind: taken }] : { bind: taken } })
      await expect(second.start()).rejects.toMatchObject({
        code: 'edge/address-in-use',
        message: `${taken} is taken by another process`,
      })
      await second.stop()
    },
  )

  it.each([
    [{ listen: [{ bind: 'nonsense' }] }, 'options/invalid'],
    [{ tunnel: { bind: '256.0.0.1:1' } }, 'edge/bad-address'],
    [{ secret: 'short' }, 'edge/bad-secret'],
  ])('refuses %j', async (options, code) => {
    await expect(edgeWith(options).start()).rejects.toMatchObject({ code })
  })

  it('refuses a host pattern that can match nothing, and says where it is', async () => {
    await expect(edgeWith({ hosts: ['a b'] }).start()).rejects.toMatchObject({
      code: 'options/invalid',
      path: 'apps.any.hosts[0]',
      cause: { code: 'edge/bad-host' },
    })
  })

  it('with a scaler that is not of this machine needs to know what linkers shall dial', async () => {
    const remote = { ...new FakePlatform().choice, isLocal: false }
    await expect(edgeWith({}, remote).start()).rejects.toMatchObject({ code: 'edge/advertise-required' })
    await edgeWith({ tunnel: { bind: '127.0.0.1:0', advertise: 'wss://edge.internal:9080' } }, remote).start()
  })

  it('fails with bad options of the scaler, and not with the first request', async () => {
    const platform = new FakePlatform()
    platform.app = () => {
      throw new Error('apps.localhost.scaler: no command')
    }
    await expect(edgeWith({}, platform.choice).start()).rejects.toThrow('no command')
  })

  it('finds the launches of the same client port again, and never those of another', async () => {
    const owners: string[] = []
    for (const listen of ['127.0.0.1:0', '127.0.0.1:0']) {
      const platform = new FakePlatform()
      await edgeWith({ listen: [{ bind: listen }] }, platform.choice).start()
      owners.push(platform.host.owner)
    }
    // Ports that the kernel chose are no name.
    expect(owners[0]).not.toBe(owners[1])
    expect(owners[0]).toMatch(/^brxy 127\.0\.0\.1:0 [0-9a-f]+$/)
  })
})

describe('an edge that stops', () => {
  it('frees its ports', async () => {
    const edge = edgeWith()
    const { clients, tunnel, admin } = await edge.start()
    await edge.stop()
    for (const address of [...clients, tunnel, admin]) expect(await isOpen(portOf(address))).toBe(false)
    await edgeWith({
      listen: clients.map((bind) => ({ bind })),
      tunnel: { bind: tunnel },
      admin: { bind: admin },
    }).start()
  })

  it('can be told twice, and before it has started', async () => {
    const edge = edgeWith()
    await edge.stop()
    const started = edgeWith()
    await started.start()
    await Promise.all([started.stop(), started.stop()])
  })

  it('answers what is held, closes what is idle and finishes what runs', async () => {
    const edge = await TestEdge.start({ timeouts: { drainMs: 5_000 } })
    const linker = await edge.linker()
    const idle = edge.client()
    const running = edge.client().get()
    const request = await linker.next()
    const held = edge.client().get()
    await edge.untilHeld(1)
    const stopped = edge.edge.stop()
    expect(await held.ended()).toMatch(/^HTTP\/1.1 503 [\s\S]*\r\nConnection: close\r\n[\s\S]*edge\/draining/)
    expect(await idle.ended()).toBe('')
    await expect(edge.linker()).rejects.toThrow()
    request.respond('finished')
    expect(await running.ended()).toMatch(/\r\nConnection: close\r\n[\s\S]*finished$/)
    await stopped
    await eventually('the farewell', () => linker.end?.code === 'edge/stopping')
    expect([linker.drained, linker.end?.retryable]).toEqual([true, true])
    await edge.close()
  })

  it('cuts what has not finished within `drain`', async () => {
    const edge = await TestEdge.start({ timeouts: { drainMs: 50 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    await linker.next()
    await edge.edge.stop()
    await client.ended()
    expect(client.text).toBe('')
    await edge.close()
  })
})
