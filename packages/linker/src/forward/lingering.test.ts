import { BODY_KNOWN, RESET } from '@brxy/protocol'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { closedAfterEach, type Linked, linked, serving } from '../linked.testkit.ts'
import { RawApp } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const use = closedAfterEach()
const serve = (...given: Parameters<typeof serving>): Promise<Linked> => use(serving(...given))

/** An application that answers when it is told to, whatever its client does. */
function deaf(answer = OK, ending: 'keep' | 'end' = 'keep') {
  const calls: (() => void)[] = []
  const serveOne: Parameters<typeof serving>[0] = async (connection) => {
    while ((await connection.head()) !== null) {
      await new Promise<void>((resolve) => calls.push(resolve))
      connection.write(answer)
      if (ending === 'end') connection.end()
    }
  }
  return { calls, serveOne }
}

describe('a client that leaves', () => {
  test('does not free the slot: the application may still be computing; its answer does', async () => {
    const { calls, serveOne } = deaf()
    const { session, app, idle } = await serve(serveOne)
    const answer = session.open()
    await until('the request', () => calls.length === 1)
    answer.stream.reset(RESET.CANCELLED)
    await app.connections[0]?.closed() // half: the application is told
    expect(session.session.unspent).toBe(0)
    calls[0]?.()
    await idle()
    expect(answer.heads).toEqual([])
  })

  test('frees the slot when the application gives up, by an end or a reset', async () => {
    for (const ending of ['fin', 'rst'] as const) {
      const { session, app, idle, badResponses } = await serve(async (connection) => {
        await connection.head()
        await connection.closed()
        connection.write('HTTP/1.1 2')
        if (ending === 'fin') connection.end()
        else connection.reset()
      })
      const answer = session.open()
      await until('the request', () => session.session.streams.size === 1)
      await until('the connection', () => app.connections.length === 1)
      answer.stream.reset(RESET.CANCELLED)
      await idle()
      // An application may close as it likes when nobody listens.
      expect(badResponses()).toEqual([])
    }
  })

  test('frees the slot after abortLinger at the latest, and the connection is destroyed', async () => {
    const { calls, serveOne } = deaf()
    const { session, app, idle } = await serve(serveOne, { abortLingerMs: 300 })
    const answer = session.open()
    await until('the request', () => calls.length === 1)
    const since = performance.now()
    answer.stream.reset(RESET.CANCELLED)
    await idle()
    expect(performance.now() - since).toBeGreaterThan(280)
    app.connections[0]?.write(OK)
    await until(
      'the reset',
      () => app.connections[0]?.ending === 'closed' || app.connections[0]?.ending === 'fin',
    )
  })

  test('after the head waits less for the body', async () => {
    const { session, idle } = await serve(
      async (connection) => {
        await connection.head()
        connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n')
        await new Promise(() => {})
      },
      { abortLingerMs: 20_000, abortLingerBodyMs: 100 },
    )
    const answer = session.open()
    await until('the head', () => answer.head !== '')
    const since = performance.now()
    answer.stream.reset(RESET.CANCELLED)
    await idle()
    expect(performance.now() - since).toBeLessThan(10_000)
  })

  test('before a head that then comes waits no longer for its body either', async () => {
    const { calls, serveOne } = deaf('HTTP/1.1 200 OK\r\n\r\nfor ever')
    const { session, app, idle } = await serve(serveOne, { abortLingerMs: 20_000, abortLingerBodyMs: 100 })
    const answer = session.open()
    await until('the request', () => calls.length === 1)
    answer.stream.reset(RESET.CANCELLED)
    await app.connections[0]?.closed()
    const since = performance.now()
    calls[0]?.()
    await idle()
    expect(performance.now() - since).toBeLessThan(10_000)
  })

  test('while it reads nothing does not stop the reading of what is thrown away', async () => {
    const total = 16 * 1024 * 1024
    const { session, idle } = await serve(
      async (connection) => {
        await connection.head()
        connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n${'z'.repeat(total)}`)
      },
      { abortLingerBodyMs: 20_000 },
    )
    const answer = session.open()
    answer.consumes = false
    await until('a window full', () => answer.receivedBytes === 65_536)
    answer.stream.reset(RESET.CANCELLED)
    await idle()
  })

  test('in the middle of its upload leaves an upload that does not look complete', async () => {
    const { session, app, idle } = await serve(async (connection) => {
      await connection.head()
      await connection.bytes(10)
    })
    const answer = session.open({ method: 'POST', body: BODY_KNOWN, length: 10 })
    answer.write('hello')
    await until('the upload', () => app.connections[0]?.received.endsWith('hello') === true)
    answer.stream.reset(RESET.CANCELLED)
    await app.connections[0]?.closed()
    expect(app.connections[0]?.received).toMatch(/hello$/)
    app.connections[0]?.end()
    await idle()
  })

  test.for(['', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok'])(
    'leaves nothing for the next request: a lingering connection is not used again (%j)',
    async (early) => {
      const calls: (() => void)[] = []
      const { session, app, idle } = await serve(
        async (connection) => {
          while ((await connection.head()) !== null) {
            connection.write(early)
            await new Promise<void>((resolve) => calls.push(resolve))
            connection.write(early === '' ? OK : 'ok')
          }
        },
        { abortLingerBodyMs: 20_000 },
      )
      const answer = session.open()
      await until('the request', () => calls.length === 1 && answer.text === early.slice(-2))
      answer.stream.reset(RESET.CANCELLED)
      await app.connections[0]?.closed()
      calls[0]?.()
      await idle()
      // Not sent again if it fails.
      const next = session.open({ method: 'POST' })
      await until('the next request', () => calls.length === 2)
      calls[1]?.()
      await next.over
      expect([next.outcome, app.connections.length]).toEqual(['end', 2])
    },
  )
})

describe('a session that is lost', () => {
  test('leaves its requests lingering: the next session gets the slot when the application is done', async () => {
    const { calls, serveOne } = deaf()
    const { session, edge, link } = await serve(serveOne)
    const answer = session.open()
    await until('the request', () => calls.length === 1)
    edge.cut()
    await answer.over
    const next = await edge.session(1)
    await until('the loss is known', () => link.of('disconnected').length === 1)
    expect(next.session.unspent).toBe(0)
    calls[0]?.()
    await edge.granted(1, 1)
  })

  test('whose exchanges end with it is no bug: nothing is lent to the dead', async () => {
    // The response is complete but for what waits in the tunnel, so the loss itself frees the slot.
    const total = 100_000
    const { session, edge, link } = await serve(
      async (connection) => {
        while ((await connection.head()) !== null)
          connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n${'z'.repeat(total)}`)
      },
      { concurrency: 2 },
    )
    const slow = session.open()
    slow.consumes = false
    await until('a window full', () => slow.receivedBytes === 65_536)
    // Its successor reads what the application has sent meanwhile.
    expect((await session.get()).receivedBytes).toBe(total)
    edge.cut()
    await edge.granted(2, 1)
    expect(link.of('bug')).toEqual([])
  })
})

describe('an application that can do one thing at a time', () => {
  test('never sees two, however its clients come and go', async () => {
    let running = 0
    let most = 0
    let served = 0
    const app = await RawApp.start(async (connection) => {
      for (let head = await connection.head(); head !== null; head = await connection.head()) {
        most = Math.max(most, ++running)
        const turns = Number(/^GET \/(\d+)/.exec(head)?.[1])
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        running--
        served++
        connection.write(OK)
      }
      connection.end()
    })
    const one = await use(linked(app))
    const { session, idle } = one
    let seed = 7
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed % below
    }
    const outcomes = { aborted: 0, answered: 0 }
    for (let client = 0; client < 200; client++) {
      await until('a grant', () => session.session.unspent > 0)
      const answer = session.open({ target: `/${random(8)}` })
      if (random(3) > 0) {
        for (let turn = random(12); turn > 0 && answer.outcome === ''; turn--)
          await new Promise((resolve) => setImmediate(resolve))
      } else await answer.over
      if (answer.outcome === '') {
        answer.stream.reset(RESET.CANCELLED)
        outcomes.aborted++
      } else {
        expect(answer.outcome).toBe('end')
        outcomes.answered++
      }
    }
    await idle()
    expect(most).toBe(1)
    expect(outcomes.aborted).toBeGreaterThan(30)
    expect(outcomes.answered).toBeGreaterThan(30)
    expect(served).toBeGreaterThanOrEqual(outcomes.answered)
  })
})
