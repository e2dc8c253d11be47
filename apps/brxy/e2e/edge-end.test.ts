import {
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  isRunning,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'

let edge: EdgeProcess
let state: ReturnType<typeof tempDir>

beforeEach(() => {
  state = tempDir()
})

afterEach(async () => {
  await edge.close()
  state.remove()
  await expectNoLeftovers()
})

/** So many requests are held, and so many run. */
async function untilLoad(held: number, busy: number): Promise<void> {
  await eventually(`${held} held and ${busy} running`, async () => {
    const [app] = (await edge.status()).apps
    const running = app?.instances.reduce((sum: number, i: { busy: number }) => sum + i.busy, 0)
    return app?.held.count === held && running === busy
  })
}

describe('SIGTERM to an edge', () => {
  it('finishes what runs, answers what is held 503, refuses new clients, and leaves no process behind', async () => {
    const command = linked(nodeApp('serial', { seconds: 1 }))
    edge = await EdgeProcess.start({ flags: ['--max', '1'], command })
    const app = Number((await edge.ask()).text)
    const running = edge.ask()
    await untilLoad(0, 1)
    const held = edge.ask('/', { method: 'POST', body: 'x' })
    await untilLoad(1, 1)
    edge.signal('SIGTERM')
    const refused = await held
    expect(refused.status).toBe(503)
    expect(refused.headers['proxy-status']).toContain('details="edge/draining"')
    // The running request is not through yet, and nobody gets in any more.
    await expect(edge.ask()).rejects.toThrow(/ECONNREFUSED|ECONNRESET/)
    expect(await running).toMatchObject({ status: 200, text: `${app}\n` })
    expect(await edge.ends()).toEqual({ code: 0, signal: null })
    expect(isRunning(app)).toBe(false)
    expect(edge.matching('bug')).toEqual([])
  })

  it('does not wait longer than --drain for what runs', async () => {
    const command = linked(nodeApp('silent'), [], { BRXY_ABORT_LINGER: '100ms' })
    edge = await EdgeProcess.start({ flags: ['--drain', '300ms'], command })
    const running = edge.ask().catch((error: Error) => error.message)
    await edge.event('asked /')
    edge.signal('SIGTERM')
    expect(await running).toBe('socket hang up')
    expect(await edge.ends()).toEqual({ code: 0, signal: null })
  })
})

describe('a second SIGINT', () => {
  it('ends an edge at once with 130; its linkers find no edge and leave', async () => {
    const command = linked(nodeApp('parallel', { seconds: 1 }), ['--lost', '300ms'])
    edge = await EdgeProcess.start({ command })
    const running = edge.ask().catch((error: Error) => error.message)
    await edge.event('ready')
    await untilLoad(0, 1)
    edge.signal('SIGINT')
    await edge.event('draining')
    edge.signal('SIGINT')
    expect(await edge.ends()).toEqual({ code: 130, signal: null })
    await running
  })
})

describe('kill -9 of an edge', () => {
  it('has its linkers leave after --lost, with their applications', async () => {
    const command = linked(nodeApp('serial', { peer: 'yes' }), ['--lost', '500ms'])
    edge = await EdgeProcess.start({ command })
    const app = Number((await edge.ask()).text)
    edge.signal('SIGKILL')
    await edge.ends()
    expect(isRunning(app)).toBe(true)
    await expectNoLeftovers(20_000)
  })

  it('and a new one in its place: linkers come back, instances are adopted, nothing is launched', async () => {
    const [clients, tunnel, admin] = await freePorts(3)
    const options = {
      ports: { clients, tunnel, admin },
      stateDir: state.path,
      command: linked(nodeApp('serial', { seconds: 0.3 })),
    }
    edge = await EdgeProcess.start(options)
    await Promise.all([edge.ask(), edge.ask()])
    await edge.event('ready', undefined, 2)
    const before = await Promise.all([edge.ask(), edge.ask()])
    const pids = new Set(before.map(({ text }) => text))
    expect(pids.size).toBe(2)
    edge.signal('SIGKILL')
    await edge.ends()

    edge = await EdgeProcess.start(options)
    // At once: the linkers are not back yet, and what is known to run counts as starting.
    const after = await Promise.all([edge.ask(), edge.ask()])
    expect(after.map(({ status }) => status)).toEqual([200, 200])
    for (const { text } of after) expect(pids).toContain(text)
    await edge.event('connected', undefined, 2)
    expect(edge.matching('launching')).toEqual([])
    // It stops what it has adopted, as if it had started it.
    edge.signal('SIGTERM')
    expect(await edge.ends()).toEqual({ code: 0, signal: null })
    await expectNoLeftovers()
  })

  it('with --on-exit keep an edge that ends in order leaves its instances to the next one', async () => {
    const [clients, tunnel, admin] = await freePorts(3)
    const ports = { clients, tunnel, admin }
    const command = linked(nodeApp('serial'))
    edge = await EdgeProcess.start({ ports, stateDir: state.path, command, flags: ['--on-exit', 'keep'] })
    const { text } = await edge.ask()
    expect(await edge.stop()).toEqual({ code: 0, signal: null })
    expect(isRunning(Number(text))).toBe(true)
    edge = await EdgeProcess.start({ ports, stateDir: state.path, command })
    expect(await edge.ask()).toMatchObject({ status: 200, text })
    expect(edge.matching('launching')).toEqual([])
  })
})
