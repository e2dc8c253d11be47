import { OPEN_PASSIVE, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { until } from './app/processes.testkit.ts'
import type { Application } from './application.ts'
import { RawApp } from './forward/raw-app.testkit.ts'
import type { AppEnd } from './life/action.ts'
import { LinkerUnderTest, type LinkOptions } from './linked.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

let app: RawApp
let edge: TestEdge
const closing: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  app = await RawApp.answering(OK)
  edge = await TestEdge.start()
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await edge.close()
  await app.close()
  expect(edge.bugs).toEqual([])
})

function link(options: LinkOptions = {}, edges = [edge.address]): LinkerUnderTest {
  const made = new LinkerUnderTest(edges, app.port, options)
  closing.push(async () => {
    await made.close()
    expect(made.of('bug')).toEqual([])
  })
  return made
}

/** An application whose life a test decides on. */
class ScriptedApplication implements Application {
  readonly stops: number[] = []
  listen: () => void = () => {}
  exit: (end: AppEnd) => void = () => {}
  readonly exited = new Promise<AppEnd>((resolve) => {
    this.exit = resolve
  })
  readonly #listening = new Promise<void>((resolve) => {
    this.listen = resolve
  })
  #onStopped: () => void = () => {}
  /** false: it takes its time to stop, until stopped() is called. */
  stopsAtOnce = true

  async waitUntilListening(signal: AbortSignal) {
    await Promise.race([
      this.#listening,
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ])
    return { host: '127.0.0.1', port: app.port, tookMs: 1 }
  }

  stop(killAfterMs: number): Promise<void> {
    this.stops.push(killAfterMs)
    if (this.stopsAtOnce) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onStopped = resolve
    })
  }

  stopped(): void {
    this.#onStopped()
  }

  isFailing(): boolean {
    return false
  }

  again(): Promise<Application> {
    return Promise.resolve(this)
  }

  tail(): string {
    return 'last words'
  }
}

describe('starting', () => {
  test('dials before the application listens, and lends when it does', async () => {
    const application = new ScriptedApplication()
    const one = link({ application })
    const session = await edge.session()
    expect(session.hello?.phase).toBe('starting')
    expect(session.log).toEqual(['hello'])
    application.listen()
    await edge.granted(1)
    expect(session.log).toEqual(['hello', 'status ready', 'grant 1'])
    expect(one.of('listening')).toMatchObject([{ address: `127.0.0.1:${app.port}` }])
  })

  test('says that it is ready also when that happens between HELLO and WELCOME', async () => {
    edge.answer = () => null
    const application = new ScriptedApplication()
    const one = link({ application })
    const session = await edge.session()
    application.listen()
    await until('it listens', () => one.of('listening').length === 1)
    session.session.accept({ session: 's', edge: 'e', edges: [], leave: 'exit', reconnectSpreadMs: 0 })
    await edge.granted(1)
    expect(session.log).toEqual(['hello', 'status ready', 'grant 1'])
  })

  test('a later edge hears HELLO ready and no STATUS', async () => {
    link()
    await edge.granted(1)
    edge.cut()
    const session = await edge.granted(1, 1)
    expect([session.hello?.phase, session.log]).toEqual(['ready', ['hello', 'grant 1']])
  })
})

describe('an application that ends', () => {
  test('is reported with its status and last words, before the linker leaves with the same', async () => {
    const application = new ScriptedApplication()
    const one = link({ application })
    const session = await edge.session()
    application.exit({ code: 3, signal: null })
    expect(await one.exits()).toBe(3)
    await until('the farewell', () => session.end !== null)
    expect(session.statuses).toEqual([
      {
        phase: 'failed',
        reason: 'the application exited with status 3 before it listened',
        exitCode: 3,
        signal: null,
        output: 'last words',
        slots: 1,
        busy: 0,
      },
    ])
    expect(application.stops).toEqual([10_000])
    expect(session.end?.code).toBe('link/left')
  })

  test('is reported to an edge that comes a little later', async () => {
    edge.refusal = { status: 503, body: '' }
    const application = new ScriptedApplication()
    const one = link({ application })
    application.exit({ code: null, signal: 'SIGSEGV' })
    await until('a failed dial', () => one.of('refused').length > 0)
    edge.refusal = null
    const session = await edge.session()
    expect(await one.exits()).toBe(139)
    expect(session.statuses).toMatchObject([{ phase: 'failed', signal: 'SIGSEGV' }])
  })

  test('while it serves fails what runs and takes back what was lent', async () => {
    const application = new ScriptedApplication()
    const one = link({ application, options: { concurrency: 2 } })
    application.listen()
    const session = await edge.granted(2)
    application.exit({ code: 1, signal: null })
    expect(await one.exits()).toBe(1)
    expect(session.statuses.at(-1)).toMatchObject({
      phase: 'failed',
      reason: 'the application exited with status 1',
    })
  })

  test('that never listens ends the linker with 124', async () => {
    const application = new ScriptedApplication()
    const one = link({ application, options: { startTimeoutMs: 200 } })
    const session = await edge.session()
    expect(await one.exits()).toBe(124)
    expect(session.statuses).toMatchObject([
      { phase: 'failed', reason: 'the application did not listen within 0.2 s', exitCode: null },
    ])
  })
})

describe('an idle instance', () => {
  test('takes its grants back, says LEAVE, and goes when the edge agrees', async () => {
    const application = new ScriptedApplication()
    application.listen()
    const one = link({ application, options: { idleMs: 200, concurrency: 2 } })
    const session = await edge.session()
    await session.says('leave')
    expect(session.log.slice(-3)).toEqual(['grant 2', 'ungrant 2', 'leave'])
    session.session.verdict(true)
    expect(await one.exits()).toBe(0)
    expect(application.stops).toEqual([10_000])
    expect(session.end).toMatchObject({ code: 'link/left', message: 'idle' })
  })

  test('stays when the edge wants it, lends again, and asks again later', async () => {
    const one = link({ options: { idleMs: 200 } })
    const session = await edge.session()
    await session.says('leave')
    session.session.verdict(false)
    await edge.granted(1)
    expect((await session.get()).text).toBe('ok')
    await until('a second LEAVE', () => session.log.filter((what) => what === 'leave').length === 2)
    session.session.verdict(true)
    expect(await one.exits()).toBe(0)
  })

  test('is not idle while something runs', async () => {
    const held: (() => void)[] = []
    const slow = await RawApp.start(async (connection) => {
      await connection.head()
      await new Promise<void>((resolve) => held.push(resolve))
      connection.write(OK)
    })
    closing.push(() => slow.close())
    const one = new LinkerUnderTest([edge.address], slow.port, { options: { idleMs: 150 } })
    closing.push(() => one.close())
    const session = await edge.granted(1)
    const answer = session.open()
    await until('the request', () => held.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(session.log).not.toContain('leave')
    held[0]?.()
    await answer.over
    await session.says('leave')
  })

  test('is one that only probes visit; the probe that runs when it may go is finished', async () => {
    const held: (() => void)[] = []
    const slow = await RawApp.start(async (connection) => {
      while ((await connection.head()) !== null) {
        await new Promise<void>((resolve) => held.push(resolve))
        connection.write(OK)
      }
    })
    closing.push(() => slow.close())
    const one = new LinkerUnderTest([edge.address], slow.port, { options: { idleMs: 200 } })
    closing.push(() => one.close())
    const session = await edge.granted(1)
    const probe = session.open({ bits: OPEN_PASSIVE })
    await session.says('leave')
    session.session.verdict(true)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect([one.exitCode, held.length]).toEqual([null, 1])
    held[0]?.()
    await probe.over
    expect([probe.outcome, probe.text]).toEqual(['end', 'ok'])
    expect(await one.exits()).toBe(0)
    expect(session.end).toMatchObject({ code: 'link/left', message: 'idle' })
  })

  test('of two edges waits for both', async () => {
    const other = await TestEdge.start()
    closing.push(() => other.close())
    const one = link({ options: { idleMs: 200 } }, [edge.address, other.address])
    const sessions = [await edge.session(), await other.session()]
    for (const session of sessions) await session.says('leave')
    sessions[0]?.session.verdict(true)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(one.exitCode).toBe(null)
    sessions[1]?.session.verdict(true)
    expect(await one.exits()).toBe(0)
  })

  test('whose session is lost while it leaves goes', async () => {
    const one = link({ options: { idleMs: 200 } })
    const session = await edge.session()
    await session.says('leave')
    edge.cut()
    expect(await one.exits()).toBe(0)
  })

  test('tells an edge that comes while its application stops that it takes no requests', async () => {
    const application = new ScriptedApplication()
    application.stopsAtOnce = false
    application.listen()
    const one = link({ application, options: { idleMs: 200 } })
    const first = await edge.session()
    await first.says('leave')
    first.session.verdict(true)
    await until('the application is being stopped', () => application.stops.length === 1)
    edge.cut()
    const second = await edge.session(1)
    await second.says('drain')
    application.stopped()
    expect(await one.exits()).toBe(0)
    expect(second.log.filter((what) => /grant/.test(what))).toEqual([])
  })
})

describe('a signal', () => {
  test('lets running requests finish and takes no new ones', async () => {
    const held: (() => void)[] = []
    const slow = await RawApp.start(async (connection) => {
      while ((await connection.head()) !== null) {
        await new Promise<void>((resolve) => held.push(resolve))
        connection.write(OK)
      }
    })
    closing.push(() => slow.close())
    const one = new LinkerUnderTest([edge.address], slow.port, { options: { concurrency: 2 } })
    closing.push(() => one.close())
    const session = await edge.granted(2)
    const answer = session.open()
    await until('the request', () => held.length === 1)
    one.linker.drain()
    await session.says('drain')
    expect(session.session.unspent).toBe(0)
    held[0]?.()
    await answer.over
    expect([answer.outcome, answer.text]).toEqual(['end', 'ok'])
    expect(await one.exits()).toBe(0)
    expect(session.end).toMatchObject({ code: 'link/left', message: 'stopped by a signal' })
  })

  test('does not wait for ever', async () => {
    const stuck = await RawApp.start(async (connection) => {
      await connection.head()
      await new Promise(() => {})
    })
    closing.push(() => stuck.close())
    const one = new LinkerUnderTest([edge.address], stuck.port, { options: { drainMs: 200 } })
    closing.push(() => one.close())
    const session = await edge.granted(1)
    const answer = session.open()
    await until('the request', () => stuck.connections.length === 1)
    one.linker.drain()
    expect(await one.exits()).toBe(0)
    expect(answer.outcome).toBe('lost')
  })

  test('cuts off a body that ends with its connection because the application was stopped', async () => {
    const application = new ScriptedApplication()
    application.stopsAtOnce = false
    application.listen()
    const endings: (() => void)[] = []
    const endless = await RawApp.start(async (connection) => {
      await connection.head()
      connection.write('HTTP/1.1 200 OK\r\n\r\nhalf')
      endings.push(() => connection.end())
    })
    closing.push(() => endless.close())
    application.waitUntilListening = async () => ({ host: '127.0.0.1', port: endless.port, tookMs: 1 })
    const one = link({ application, options: { drainMs: 100 } })
    const session = await edge.granted(1)
    const answer = session.open()
    await until('half of the body', () => answer.text === 'half')
    one.linker.drain()
    await until('the application is being stopped', () => application.stops.length === 1)
    // As one does that heeds SIGTERM.
    for (const end of endings) end()
    await until('the end', () => answer.outcome !== '')
    expect(answer.outcome).toBe(`reset ${RESET.APP_CLOSED}`)
    application.stopped()
    expect(await one.exits()).toBe(0)
  })

  test('a second one stops the application at once', async () => {
    const application = new ScriptedApplication()
    application.listen()
    application.stopsAtOnce = false
    const one = link({ application, options: { stopMs: 7_000 } })
    await edge.granted(1)
    one.linker.drain()
    await until('the application is asked to stop', () => application.stops.length === 1)
    one.linker.kill(15)
    expect(application.stops).toEqual([7_000, 0])
    application.stopped()
    expect(await one.exits()).toBe(143)
  })
})

test('a grant that an edge does not give back when asked is lent to another one after 2 s', async () => {
  const other = await TestEdge.start()
  closing.push(() => other.close())
  link({}, [edge.address, other.address])
  const sessions = [await edge.session(), await other.session()] as const
  await until('the slot is lent', () => sessions.some(({ session }) => session.unspent === 1))
  const [holder, waiter] = sessions[0].session.unspent === 1 ? sessions : [sessions[1], sessions[0]]
  holder.socket.pause()
  const since = performance.now()
  waiter.session.setDemand(1, edge.wheel.now())
  await waiter.says('grant 1')
  expect(performance.now() - since).toBeGreaterThan(1_900)
  // The other one does not know, and is refused until the slot is free.
  holder.socket.resume()
  await holder.says('ungrant 1')
})
