import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Answer,
  begin,
  brxy,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  Gate,
  type Running,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brxyToken } from './apps.ts'
import { Collector } from './collector.ts'

let edge: EdgeProcess
let collector: Collector
let token: string
let closing: (() => unknown)[]

beforeEach(async () => {
  closing = []
  collector = await Collector.start()
  // No machine is so busy that its linkers do not come back in this time.
  edge = await EdgeProcess.start({ env: { BRXY_LOST_SESSION: '30s' } })
  token = await brxyToken(edge, 'localhost')
})

afterEach(async () => {
  collector.release()
  for (const close of closing.reverse()) await close()
  await edge.close()
  collector.close()
  await expectNoLeftovers()
})

/** A linker that a person starts. Resolves when it has lent its 8 slots, and so is the first to be given a request. */
async function link(flags: readonly string[] = [], address = edge.tunnel): Promise<Running> {
  const before = edge.matching('ready').length
  const words = ['link', '-e', address, '-r', 'localhost', '-c', '8', ...flags]
  const linker = brxy(words, { env: { BRXY_TOKEN: token, BRXY_LOST: '30s' } })
  closing.push(() => linker.stop())
  const { instance } = await edge.event('ready', undefined, before + 1)
  await eventually('its grants', async () =>
    (await instances()).some((one) => one.instance === instance && one.grants === 8),
  )
  return linker
}

const counted = () => ['--', ...collector.app]

function post(path: string, body = 'x'): Promise<Answer> {
  return edge.ask(path, { method: 'POST', body })
}

async function instances(): Promise<{ instance: string; grants: number; busy: number }[]> {
  return (await edge.status()).apps.flatMap(({ instances }: { instances: object[] }) => instances)
}

/** Resolves when so many requests are at instances. */
async function running(count: number): Promise<void> {
  await eventually(`${count} requests at instances`, async () => {
    const all = await instances()
    return all.reduce((sum, { busy }) => sum + busy, 0) === count
  })
}

const isLost = ({ status, headers }: Answer) =>
  status === 502 && String(headers['proxy-status']).includes('edge/tunnel-lost')

describe('kill -9 of a linker with requests', () => {
  it('loses no GET, and runs no POST twice, while another instance is there', async () => {
    await edge.close()
    edge = await EdgeProcess.start({ env: { BRXY_LOST_SESSION: '500ms' } })
    token = await brxyToken(edge, 'localhost')
    await link(counted())
    const doomed = await link(counted())
    const names = ['/1', '/2', '/3', '/4']
    const gets = names.map((name) => edge.ask(name))
    const posts = names.map((name) => post(name))
    await collector.executions(8)
    doomed.signal('SIGKILL')
    // The GETs are at the other instance, at once; the POSTs wait for somebody who is dead.
    await collector.executions(12)
    collector.release()
    expect((await Promise.all(gets)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await Promise.all(posts)).map(isLost)).toEqual([true, true, true, true])
    expect(names.map((name) => collector.count(`GET${name}`))).toEqual([2, 2, 2, 2])
    expect(names.map((name) => collector.count(`POST${name}`))).toEqual([1, 1, 1, 1])
    expect(edge.matching('bug')).toEqual([])
  })
})

describe('a request that kills whatever serves it', () => {
  it('kills two instances, and the third goes on serving others', async () => {
    const linkers = [await link(counted()), await link(counted()), await link(counted())]
    collector.release()
    expect(isLost(await edge.ask('/poison'))).toBe(true)
    expect(collector.executed).toEqual(['GET/poison', 'GET/poison'])
    for (const linker of linkers.slice(1)) expect(await linker.ends()).toMatchObject({ signal: 'SIGKILL' })
    expect(linkers[0].exit).toBe(null)
    expect(await edge.ask('/other')).toMatchObject({ status: 200 })
    expect(await post('/other')).toMatchObject({ status: 200 })
    expect(edge.matching('bug')).toEqual([])
  })
})

describe('a tunnel that is cut while its instance lives', () => {
  it('POSTs that had not arrived are executed once; those that had are answered 502, and were executed once', async () => {
    const gate = await Gate.open(edge.tunnel)
    closing.push(() => gate.close())
    await link(counted(), gate.address)
    const seen = ['/seen-1', '/seen-2'].map((path) => post(path))
    await collector.executions(2)
    gate.shut()
    const never = ['/never-1', '/never-2', '/never-3'].map((path) => post(path, `body of ${path}`))
    await running(5)
    await eventually('OPENs on their way', () => gate.keptBytes > 0)
    gate.cut()
    expect((await Promise.all(seen)).map(isLost)).toEqual([true, true])
    // The same instance, in its next session; beside it the first two linger.
    await collector.executions(5)
    collector.release()
    for (const [at, answer] of (await Promise.all(never)).entries()) {
      expect(answer.status).toBe(200)
      expect(answer.text).toContain(`body of /never-${at + 1}`)
    }
    expect([...collector.executed].sort()).toEqual(
      ['/never-1', '/never-2', '/never-3', '/seen-1', '/seen-2'].map((path) => `POST${path}`),
    )
    expect(edge.matching('bug')).toEqual([])
  })

  it('GETs are repeated at once, beside what still runs of them', async () => {
    const gate = await Gate.open(edge.tunnel)
    closing.push(() => gate.close())
    await link(counted())
    await link(counted(), gate.address)
    const get = edge.ask('/twice')
    await collector.executions(1)
    gate.cut()
    await collector.executions(2)
    collector.release()
    expect(await get).toMatchObject({ status: 200 })
    expect(collector.executed).toEqual(['GET/twice', 'GET/twice'])
  })
})

describe('a linker whose application accepts no connections', () => {
  it('gives a POST back, with what came of its body and what comes yet, and another application executes it once', async () => {
    const [older, newer] = [await Listening.start(), await Listening.start()]
    closing.push(
      () => older.close(),
      () => newer.close(),
    )
    await link(['--to', older.address])
    const shut = await link(['--to', newer.address])
    await newer.close()
    const answers = ['/1', '/2'].map(async (path) => {
      const request = begin(edge.port, path, { method: 'POST', headers: { 'content-length': '10' } })
      const response = new Promise<number>((resolve, reject) => {
        request.on('response', (got) => resolve(got.resume().statusCode ?? 0)).on('error', reject)
      })
      request.write('01234')
      // It is at the older one now, with half of its body.
      await eventually('half a body', () => older.bodies.get(path) === '01234')
      request.end('56789')
      return response
    })
    expect(await Promise.all(answers)).toEqual([200, 200])
    expect([...older.bodies]).toEqual([
      ['/1', '0123456789'],
      ['/2', '0123456789'],
    ])
    expect([older.requests, newer.requests]).toEqual([2, 0])
    expect(shut.output).toContain('does not accept connections')
    expect(edge.matching('bug')).toEqual([])
  })
})

/** An application that runs anyway, and may stop listening. */
class Listening {
  requests = 0
  /** What came of each body, by path. */
  readonly bodies = new Map<string, string>()
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? ''
      this.requests++
      request.setEncoding('latin1')
      request.on('data', (data) => this.bodies.set(path, (this.bodies.get(path) ?? '') + data))
      request.on('end', () => response.end('ok'))
    })
  }

  static async start(): Promise<Listening> {
    const app = new Listening()
    await new Promise<void>((resolve) => app.#server.listen(0, '127.0.0.1', resolve))
    return app
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when nothing listens any more. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()))
  }
}
