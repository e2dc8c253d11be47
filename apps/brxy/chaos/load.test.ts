import { connect, type Socket } from 'node:net'
import { eventually, peakMemoryBytes } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from '../e2e/apps.ts'
import { Load, outcomeOf, percentile } from './load.ts'
import { staged } from './stage.ts'

const MIB = 1024 * 1024

const stage = staged()
const sockets: Socket[] = []
// Before the edge ends, which would wait for them.
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** The 99th hundredth of 1,000 small requests, ten at a time. */
async function p99(): Promise<number> {
  const tookMs: number[] = []
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let n = 0; n < 100; n++) {
        const { answer } = await outcomeOf(stage.edge.port, 'GET', '/gone')
        expect(answer?.status).toBe(200)
        tookMs.push(answer?.tookMs ?? Number.POSITIVE_INFINITY)
      }
    }),
  )
  return percentile(tookMs, 99)
}

// What else the machine does may begin between the two measurements; three times in a row is no chance.
describe('an instance with 200 slots', { retry: 2 }, () => {
  it('answers 1,000 small requests with a p99 below 100 ms beside 100 downloads that nobody reads', async () => {
    await stage.start(linked(nodeApp('bulk'), ['-c', '200'], { BRXY_ABORT_LINGER: '200ms' }), { max: 1 })
    expect((await stage.edge.ask('/written')).status).toBe(200)
    const alone = await p99()
    for (let n = 0; n < 100; n++) {
      const socket = connect({ port: stage.edge.port, host: '127.0.0.1' }).on('error', () => {})
      sockets.push(socket.pause())
      socket.write(`GET /chunked/${100 * MIB} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    }
    let before = -1
    await eventually('all are stuck', async () => {
      const written = Number((await stage.edge.ask('/written')).text)
      const isStuck = written === before && (await stage.app()).instances[0].busy === 100
      before = written
      await new Promise((resolve) => setTimeout(resolve, 500))
      return isStuck
    })
    // On a machine that is slow without them, too, they may not make it much worse.
    expect(await p99()).toBeLessThan(Math.max(100, 3 * alone))
    // 100 windows of 1 MiB at most in the tunnel, and what Node takes by itself.
    expect(peakMemoryBytes(stage.edge.pid) / MIB).toBeLessThan(400)
    expect(peakMemoryBytes(await stage.edge.linkerPid()) / MIB).toBeLessThan(400)
  })
})

describe('a single-threaded application', () => {
  it('never sees two requests at once, however many clients give up, and then serves the next one', async () => {
    await stage.start(stage.executions.command([], { deaf: 1 }), { max: 1 })
    for (let n = 0; n < 200; n++) {
      const socket = connect({ port: stage.edge.port, host: '127.0.0.1' }).on('error', () => {})
      sockets.push(socket)
      socket.write(`GET /work?id=${n}&ms=50 HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      setTimeout(() => socket.destroy(), 20 + n * 5)
    }
    await eventually('all have gone', () => sockets.every(({ destroyed }) => destroyed))
    expect((await stage.edge.ask('/work?id=last')).status).toBe(200)
    expect(Math.max(...stage.executions.all.map(({ concurrency }) => concurrency))).toBe(1)
    await eventually('nothing is held or runs', async () => {
      const { held, instances } = await stage.app()
      return held.count === 0 && instances.every(({ busy }: { busy: number }) => busy === 0)
    })
  })
})

describe('a load', () => {
  it('of 1,000 requests at once, when nothing runs, is answered without an error by at most max instances', async () => {
    await stage.start(stage.executions.command(['-c', '20']), { max: 5 })
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, id) => outcomeOf(stage.edge.port, 'GET', `/work?id=${id}&ms=20`)),
    )
    expect(outcomes.filter(({ outcome }) => outcome !== 200)).toEqual([])
    expect(new Set(stage.executions.all.map(({ pid }) => pid)).size).toBeLessThanOrEqual(5)
    expect(Math.max(...stage.executions.all.map(({ concurrency }) => concurrency))).toBeLessThanOrEqual(20)
    expect(Math.max(...stage.executions.countById().values())).toBe(1)
  })

  // Each change of the load lasts until it has had its effect, however fast or slow the machine is.
  it('that rises, falls and rises again has no error, and ends with nothing running', async () => {
    await stage.start(stage.executions.command(['-c', '2', '--idle', '2s']), { max: 6 })
    const load = new Load(stage.edge.port, 2, (id) => `/work?id=${id}&ms=100`).start()
    const count = async (): Promise<number> => ((await stage.app())?.instances ?? []).length
    let most = 0
    const until = async (what: string, perSecond: number, isReached: (count: number) => boolean) => {
      load.perSecond = perSecond
      // As long as the slower of both: scaling, or a wave of a hundred requests.
      const enough = load.count + 100
      await eventually(
        what,
        async () => {
          const now = await count()
          most = Math.max(most, now)
          return isReached(now) && (perSecond < 10 || load.count >= enough)
        },
        60_000,
      )
    }
    try {
      await until('one instance', 2, (now) => now === 1)
      for (let wave = 0; wave < 3; wave++) {
        await until('several instances', 60, (now) => now >= 3)
        await until('one or two instances', 2, (now) => now <= 2)
      }
    } finally {
      await load.stop()
    }
    expect(load.failures).toEqual([])
    expect(most).toBeLessThanOrEqual(6)
    await eventually('nothing runs', async () => (await count()) === 0, 60_000)
    expect(stage.edge.matching('launch failed')).toEqual([])
    expect(stage.edge.matching('bug')).toEqual([])
  })
})
