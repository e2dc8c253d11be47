import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { RawApp } from '../forward/raw-app.testkit.ts'
import { LinkerUnderTest } from '../linked.testkit.ts'
import { TestEdge, type TestSession, type TestStream } from './edge.testkit.ts'
import { type Departing, MAX_REST_MS, sayFarewell } from './farewell.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Less than the window of a stream: the edge need not say anything for all of it to be sent. */
const BODY = 'x'.repeat(60_000)
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
/** More responses of that size than the buffers of two kernels take. */
const SLOTS = 500
/** Longer than a farewell is given. */
const STALL_MS = 1_500

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  vi.useRealTimers()
  for (const close of closing.splice(0).reverse()) await close()
})

interface Stalled {
  readonly one: LinkerUnderTest
  readonly session: TestSession
  readonly answers: readonly TestStream[]
  /** The linker's end of the tunnel. */
  readonly tunnel: Socket
}

/** A linker without work whose edge takes nothing: the kernels are full, and the rest of a response is in its process. */
async function stalled(): Promise<Stalled> {
  let answered = 0
  const app = await RawApp.start(async (connection) => {
    while ((await connection.head()) !== null) {
      connection.write(ANSWER)
      answered++
    }
  })
  const edge = await TestEdge.start()
  const dialled: Socket[] = []
  const onSocket = (message: unknown) => void dialled.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', onSocket)
  const one = new LinkerUnderTest([edge.address], app.port, { options: { concurrency: SLOTS } })
  closing.push(async () => {
    unsubscribe('net.client.socket', onSocket)
    await one.close()
    await edge.close()
    await app.close()
    expect([...edge.bugs, ...one.of('bug')]).toEqual([])
  })
  const session = await edge.granted(SLOTS)
  const tunnel = dialled.find(({ remotePort }) => remotePort === edge.port) as Socket
  session.socket.pause()
  const answers: TestStream[] = []
  while (tunnel.writableLength < BODY.length) {
    answers.push(session.open())
    await until('the slot is free', () => answered === answers.length && one.linker.slotState.busy === 0)
  }
  return { one, session, answers, tunnel }
}

describe('a linker whose edge is slow to take the rest of a response', () => {
  test('is not done before it is out, though the request has been over for long', async () => {
    const { one, session, answers, tunnel } = await stalled()
    const left = one.linker.done.then(() => tunnel.writableLength)
    one.linker.drain()
    setTimeout(() => session.socket.resume(), STALL_MS)
    expect(await left).toBe(0)
    await until('the goodbye', () => session.end !== null)
    expect(session.end?.code).toBe('link/left')
    expect(new Set(answers.map(({ outcome, text }) => `${outcome} ${text.length}`))).toEqual(
      new Set([`end ${BODY.length}`]),
    )
  })

  test('does not wait for that after a second signal', async () => {
    const { one, tunnel } = await stalled()
    one.linker.drain()
    await until('it has left', () => one.of('phase').some(({ phase }) => phase === 'done'))
    one.linker.kill(15)
    // It would be MAX_REST_MS.
    expect(await one.exits()).toBe(0)
    expect(tunnel.writableLength).toBeGreaterThan(0)
  })
})

describe('a farewell', () => {
  const links = (sentAfterMs: number) => {
    const log: string[] = []
    const startMs = performance.now()
    const departing: Departing = {
      get isAllSent() {
        return performance.now() - startMs >= sentAfterMs
      },
      retire: () => void log.push('retire'),
      close: async (code) => void log.push(`${code} after ${Math.round(performance.now() - startMs)} ms`),
    }
    return { departing, log }
  }

  test.for([
    { sentAfterMs: 0, saidAfterMs: 0 },
    { sentAfterMs: 7_000, saidAfterMs: 7_000 },
    { sentAfterMs: Number.POSITIVE_INFINITY, saidAfterMs: MAX_REST_MS },
  ])('is said when all is sent: after $sentAfterMs ms it is $saidAfterMs ms', async (given) => {
    vi.useFakeTimers()
    const { departing, log } = links(given.sentAfterMs)
    const said = sayFarewell(departing, 'idle', new AbortController().signal)
    expect(log[0]).toBe('retire')
    await vi.advanceTimersByTimeAsync(MAX_REST_MS)
    await said
    expect(log).toEqual(['retire', `link/left after ${given.saidAfterMs} ms`])
  })
})
