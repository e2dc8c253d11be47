import { eventually, freePorts } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import type { Config } from '../e2e/config-file.ts'
import { type Outcome, outcomeOf } from './load.ts'
import { staged } from './stage.ts'
import { TcpProxy } from './tcp-proxy.ts'

const stage = staged()

/** Two instances of one slot each, and no more. */
async function start(command: readonly string[], more: Config = {}): Promise<void> {
  await stage.start(command, { min: 2, max: 2, hold: '30s' }, more)
  await eventually('two instances', async () => {
    const app = await stage.app()
    return app?.instances.filter(({ phase }: { phase: string }) => phase === 'ready').length === 2
  })
}

/** What was asked of it, since when, and until when. */
interface Asked {
  readonly sinceMs: number
  outcome: Outcome | null
  tookMs: number
}

/** Asks ten times a second for so long. */
async function askFor(ms: number): Promise<Asked[]> {
  const begunMs = performance.now()
  const asked: Asked[] = []
  const answers: Promise<void>[] = []
  while (performance.now() - begunMs < ms) {
    const one: Asked = { sinceMs: performance.now() - begunMs, outcome: null, tookMs: 0 }
    asked.push(one)
    answers.push(
      outcomeOf(stage.edge.port, 'GET', `/work?id=${asked.length}&ms=10`).then(({ outcome }) => {
        one.outcome = outcome
        one.tookMs = performance.now() - begunMs - one.sinceMs
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await Promise.all(answers)
  return asked
}

/** The newest instance is asked first. */
async function newestLinker(): Promise<number> {
  const launches = stage.edge.matching('launch started')
  const newest = stage.edge.matching('launching').at(-1)
  return launches.find(({ launch }) => launch === newest?.launch)?.pid as number
}

describe('an instance that falls silent', () => {
  it('because its linker is stopped for 8 s gets nothing after 4 s, and serves on afterwards', async () => {
    await start(stage.executions.command())
    const linker = await newestLinker()
    process.kill(linker, 'SIGSTOP')
    const asking = askFor(9_000)
    setTimeout(() => process.kill(linker, 'SIGCONT'), 8_000)
    const asked = await asking
    expect(asked.map(({ outcome }) => outcome)).toEqual(asked.map(() => 200))
    // One slot: one request at most was given to it; those after 4 s knew better.
    expect(asked.filter(({ tookMs }) => tookMs > 1_000).length).toBeLessThanOrEqual(1)
    for (const { sinceMs, tookMs } of asked) if (sinceMs > 4_000) expect(tookMs).toBeLessThan(1_500)
    expect(Math.max(...stage.executions.all.map(({ concurrency }) => concurrency))).toBe(1)
    expect(Math.max(...stage.executions.countById().values())).toBe(1)
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
        const work = (id: string) => outcomeOf(stage.edge.port, 'GET', `/work?id=${id}&ms=10`)
        const given = [work('one'), work('two')]
        await eventually(
          'that both are suspect',
          async () => {
            const app = await stage.app()
            return app.instances.every(({ suspect }: { suspect: boolean }) => suspect)
          },
          4_500,
        )
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
