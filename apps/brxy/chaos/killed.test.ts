import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually, isRunning, within } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import { linked } from '../e2e/apps.ts'
import { Load, outcomeOf } from './load.ts'
import { staged } from './stage.ts'

const DYING = [process.execPath, fileURLToPath(new URL('dying-app.mjs', import.meta.url))]

const stage = staged()

interface Instance {
  readonly launch: string
  readonly busy: number
}
const instances = async (): Promise<Instance[]> => (await stage.app())?.instances ?? []

describe('kill -9', () => {
  it('of a linker: every GET is answered by a spare one, no POST runs twice, and the application is gone in 2 s', async () => {
    await stage.start(stage.executions.command(['-c', '100']), { min: 2, max: 2 })
    await eventually('two instances', async () => (await instances()).length === 2)
    const ids = Array.from({ length: 50 }, (_, n) => n)
    const asked = (method: string) =>
      Promise.all(ids.map((n) => outcomeOf(stage.edge.port, method, `/work?id=${method}-${n}&ms=1500`)))
    const gets = asked('GET')
    const posts = asked('POST')
    await eventually('all of them run', () => stage.executions.all.length === 100)
    const [{ pid: app }] = stage.executions.all
    expect(new Set(stage.executions.all.map(({ pid }) => pid)).size).toBe(1)
    const { launch } = (await instances()).find(({ busy }) => busy === 100) as Instance
    const { pid } = await stage.edge.event('launch started', (event) => event.launch === launch)
    process.kill(pid as number, 'SIGKILL')
    const killedMs = performance.now()
    await eventually('the end of the application', () => !isRunning(app))
    expect(performance.now() - killedMs).toBeLessThan(2_000)
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

  it('of an instance each second, for a minute of 200 GETs a second: none fails', async () => {
    await stage.start(stage.executions.command(['-c', '20']), { min: 3, max: 6, patience: '50ms' })
    await eventually('three instances', async () => (await instances()).length === 3)
    const load = new Load(stage.edge.port, 200, (id) => `/work?id=${id}&ms=20`).start()
    const kills = new Set<number>()
    try {
      for (let second = 0; second < 60; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1000))
        const victim = stage.edge
          .matching('launch started')
          .findLast(({ pid }) => isRunning(pid as number) && !kills.has(pid as number))
        if (victim === undefined) continue
        kills.add(victim.pid as number)
        process.kill(victim.pid as number, 'SIGKILL')
      }
    } finally {
      await load.stop()
    }
    expect(kills.size).toBeGreaterThan(30)
    expect(load.count).toBeGreaterThan(6_000)
    expect(load.failures).toEqual([])
    expect(stage.edge.matching('bug')).toEqual([])
  })
})

/** Process ids of the applications that have begun an answer. */
function halves(): number[] {
  return stage.edge.events
    .filter(({ msg }) => /^half \d+$/.test(msg))
    .map(({ msg }) => Number(msg.split(' ')[1]))
}
