import { eventually, freePorts, parentOf } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import type { Config } from '../e2e/config-file.ts'
import { outcomeOf } from './load.ts'
import { timed } from './noise.ts'
import { staged } from './stage.ts'
import { TcpProxy } from './tcp-proxy.ts'

const stage = staged()

/** Two instances of one slot each, and no more. */
async function start(command: readonly string[], more: Config = {}): Promise<void> {
  await stage.start(command, { min: 2, max: 2, hold: '30s' }, more)
  await eventually('two instances whose slots are lent', async () => {
    const app = await stage.app()
    return app?.instances.filter(({ grants }: { grants: number }) => grants === 1).length === 2
  })
}

/** One request, which takes 10 ms. */
const work = (id: string) => outcomeOf(stage.edge.port, 'GET', `/work?id=${id}&ms=10`)

/** Waits until so many instances are suspect: 1 s until they are asked for a sign of life, and 2 s for that to come. */
async function suspected(count: number): Promise<void> {
  const isSuspect = ({ suspect }: { suspect: boolean }) => suspect
  const { tookMs, noiseMs } = await timed(() =>
    eventually(
      `${count} suspect instances`,
      async () => (await stage.app()).instances.filter(isSuspect).length === count,
    ),
  )
  expect(tookMs).toBeLessThan(4_000 + noiseMs)
}

/** Process ids of those who began a request. */
function served(id: string): number[] {
  return stage.executions.all.filter((execution) => execution.id === id).map(({ pid }) => pid)
}

/** The linker of the instance that is asked first: that which has been there for the shortest time. */
async function firstAsked(): Promise<number> {
  const { answer } = await work('before')
  const linker = parentOf(Number(answer?.text))
  expect(stage.edge.matching('launch started').map(({ pid }) => pid)).toContain(linker)
  return linker as number
}

describe('an instance that falls silent', () => {
  it('because its linker is stopped for 8 s gets nothing after 4 s, and serves on afterwards', async () => {
    await start(stage.executions.command())
    const linker = await firstAsked()
    process.kill(linker, 'SIGSTOP')
    const stoppedMs = performance.now()
    let count = 0
    const during: string[] = []
    try {
      // One slot: this one is given to it, and no other one.
      const given = work('given')
      await eventually('it is given', async () =>
        (await stage.app()).instances.some(({ busy }: { busy: number }) => busy === 1),
      )
      const rest = (async () => {
        while (performance.now() - stoppedMs < 8_000) {
          during.push(`during-${count++}`)
          expect((await work(during[during.length - 1])).outcome).toBe(200)
        }
      })()
      await suspected(1)
      await rest
      expect(served('given')).toEqual([])
      process.kill(linker, 'SIGCONT')
      expect((await given).outcome).toBe(200)
    } finally {
      process.kill(linker, 'SIGCONT')
    }
    const [app] = served('given')
    expect(parentOf(app)).toBe(linker)
    expect(during.length).toBeGreaterThan(10)
    for (const id of during) expect(served(id)).not.toContain(app)
    await eventually('it is asked first again', async () => (await work('after')).answer?.text === `${app}\n`)
    expect(Math.max(...stage.executions.all.map(({ concurrency }) => concurrency))).toBe(1)
    for (const id of ['given', ...during]) expect(served(id)).toHaveLength(1)
    expect(stage.edge.matching('launching')).toHaveLength(2)
  })

  it.each(['from the dialler', 'to the dialler'] as const)(
    'because the network loses all that goes %s gets nothing after 4 s, and what waits is served when it heals',
    async (direction) => {
      const [tunnel] = await freePorts(1)
      const proxy = await TcpProxy.start(tunnel)
      try {
        await start(stage.executions.command(['-e', `127.0.0.1:${proxy.port}`]), {
          tunnel: { bind: `127.0.0.1:${tunnel}` },
        })
        proxy.stall(direction)
        const given = [work('one'), work('two')]
        await suspected(2)
        const held = work('held')
        await eventually('it is held', async () => (await stage.app()).held.count === 1)
        proxy.heal()
        expect((await Promise.all([...given, held])).map(({ outcome }) => outcome)).toEqual([200, 200, 200])
        expect(Math.max(...stage.executions.countById().values())).toBe(1)
      } finally {
        await proxy.close()
      }
    },
  )
})
