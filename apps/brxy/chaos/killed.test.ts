import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually, isRunning, parentOf, within } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import { linked } from '../e2e/apps.ts'
import { Load, outcomeOf } from './load.ts'
import { timed } from './noise.ts'
import { staged } from './stage.ts'

const DYING = [process.execPath, fileURLToPath(new URL('dying-app.mjs', import.meta.url))]

const stage = staged()

interface Instance {
  readonly launch: string
  readonly phase: string
  readonly busy: number
}
/** Those that serve. */
const ready = async (): Promise<Instance[]> =>
  ((await stage.app())?.instances ?? []).filter(({ phase }: Instance) => phase === 'ready')

/** The process of a linker. */
const pidOf = async (launch: string): Promise<number> =>
  (await stage.edge.event('launch started', (event) => event.launch === launch)).pid as number

describe('kill -9', () => {
  it('of a linker: every GET is answered by a spare one, no POST runs twice, and the application is gone in 2 s', async () => {
    await stage.start(stage.executions.command(['-c', '100']), { min: 2, max: 2 })
    await eventually('two instances', async () => (await ready()).length === 2)
    const ids = Array.from({ length: 50 }, (_, n) => n)
    const asked = (method: string) =>
      Promise.all(ids.map((n) => outcomeOf(stage.edge.port, method, `/gate?id=${method}-${n}`)))
    const gets = asked('GET')
    const posts = asked('POST')
    await eventually('all of them run', () => stage.executions.all.length === 100)
    const [{ pid: app }] = stage.executions.all
    expect(new Set(stage.executions.all.map(({ pid }) => pid)).size).toBe(1)
    try {
      const { launch } = (await ready()).find(({ busy }) => busy === 100) as Instance
      process.kill(await pidOf(launch), 'SIGKILL')
      const gone = await timed(() => eventually('the end of the application', () => !isRunning(app)))
      expect(gone.tookMs).toBeLessThan(2_000 + gone.noiseMs)
      await eventually('every GET runs again', () => {
        const counts = stage.executions.countById()
        return ids.every((n) => counts.get(`GET-${n}`) === 2)
      })
    } finally {
      stage.executions.openGate()
    }
    expect((await gets).map(({ outcome }) => outcome)).toEqual(ids.map(() => 200))
    expect(new Set((await posts).map(({ outcome }) => outcome))).toEqual(new Set([502]))
    const counts = stage.executions.countById()
    for (const n of ids) {
      expect(counts.get(`POST-${n}`)).toBe(1)
      expect(counts.get(`GET-${n}`)).toBe(2)
    }
    expect(stage.edge.matching('bug')).toEqual([])
  })

  it.each(['length', 'chunked', 'close'])(
    'of an application in the middle of a body (%s): it never looks complete to a client',
    async (framing) => {
      await stage.start(linked(DYING), {})
      for (const version of ['1.1', '1.0']) {
        // It has served once, so that the next one is launched without a pause.
        expect((await stage.edge.ask('/fine')).status).toBe(200)
        const client = connect({ port: stage.edge.port, host: '127.0.0.1', allowHalfOpen: true })
        let text = ''
        const over = new Promise<boolean>((resolve) => client.once('close', resolve))
        client.on('error', () => {})
        client.on('data', (data) => {
          text += data.toString('latin1')
        })
        // A RST that comes with the last data looks like an end; a write of nothing finds out.
        client.once('end', () => client.end(Buffer.alloc(0)))
        const before = halves().length
        client.write(`GET /${framing} HTTP/${version}\r\nHost: localhost\r\n\r\n`)
        const app = await eventually('half of an answer', () => halves()[before])
        await eventually('half of the body', () => text.includes('half'))
        process.kill(app, 'SIGKILL')
        const isReset = await within('the end of the connection', over)
        const isComplete = /\r\n0\r\n/.test(text) || (!isReset && !/content-length: 100|chunked/i.test(text))
        expect(isComplete, text).toBe(false)
      }
    },
  )

  // One as soon as there are two spare ones again: more often than once a second, and not so often on a machine where
  // instances take longer to start, for nothing is promised to requests that lose two.
  it('of 60 instances under 200 GETs a second: none fails', async () => {
    await stage.start(stage.executions.command(['-c', '100']), { min: 3, max: 6, patience: '50ms' })
    const load = new Load(stage.edge.port, 200, (id) => `/work?id=${id}&ms=20`).start()
    const kills = new Set<number>()
    try {
      while (kills.size < 60) {
        const victim = await eventually('an instance that has answered, and two spare ones', async () => {
          const pids = (await Promise.all((await ready()).map(({ launch }) => pidOf(launch)))).filter(
            isRunning,
          )
          // Before its first answer its end would be a failed start, after which there is a pause.
          return pids.length >= 3 && pids.findLast((pid) => hasAnswered(load, pid))
        })
        kills.add(victim)
        process.kill(victim, 'SIGKILL')
        // A request may be repeated once, so none may lose two instances.
        await within('the end of what ran there', load.passed())
      }
    } finally {
      await load.stop()
    }
    expect(load.count).toBeGreaterThan(1_000)
    expect(load.failures).toEqual([])
    expect(stage.edge.matching('bug')).toEqual([])
  })
})

/** Whether the application of a linker has answered a request of the load. */
function hasAnswered({ texts }: Load, linker: number): boolean {
  return [...texts].some((pid) => parentOf(Number(pid)) === linker)
}

/** Process ids of the applications that have begun an answer. */
function halves(): number[] {
  return stage.edge.events
    .filter(({ msg }) => /^half \d+$/.test(msg))
    .map(({ msg }) => Number(msg.split(' ')[1]))
}
