import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { REFUSE, RESET } from '@brxy/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { processState, until } from '../app/processes.testkit.ts'
import type { Application } from '../application.ts'
import { LinkerUnderTest } from '../linked.testkit.ts'
import { TestEdge } from '../tunnel/edge.testkit.ts'
import { RawApp } from './raw-app.testkit.ts'

vi.setConfig({ testTimeout: 20_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe.skipIf(process.platform !== 'linux')(
  'an application that does not accept connections (Linux only: /proc)',
  () => {
    test('gets nothing; its request goes back untouched, and nothing is lent until it accepts again', async () => {
      const app = await RawApp.answering(OK)
      const edge = await TestEdge.start()
      closing.push(() => edge.close())
      const link = new LinkerUnderTest([edge.address], app.port, { options: { concurrency: 3 } })
      closing.push(() => link.close())
      const session = await edge.granted(3)
      const { port } = app
      await app.close()

      const answer = await session.get()
      expect(answer.outcome).toBe(`refuse ${REFUSE.INSTANCE}`)
      expect(session.session.unspent).toBe(0)
      expect(link.of('unreachable').length).toBe(1)

      const again = await (async () => {
        const made = await RawApp.start(async (connection) => {
          while ((await connection.head()) !== null) connection.write(OK)
        }, port)
        closing.push(() => made.close())
        return made
      })()
      await edge.granted(3)
      expect((await session.get()).text).toBe('ok')
      expect(again.connections.length).toBe(1)
      expect(link.of('bug')).toEqual([])
    })

    test('that a kept connection ended with the request on it is no reason to send it elsewhere', async () => {
      const app = await RawApp.start(async (connection) => {
        await connection.head()
        connection.write(OK)
        await connection.head()
        await app.close()
      })
      const edge = await TestEdge.start()
      closing.push(() => edge.close())
      const link = new LinkerUnderTest([edge.address], app.port)
      closing.push(() => link.close())
      const session = await edge.granted(1)
      expect((await session.get()).outcome).toBe('end')
      await edge.granted(1)

      // It may be this very request that has ended the application: no other instance must get it.
      expect((await session.get()).outcome).toBe(`reset ${RESET.APP_CLOSED}`)
      expect(app.connections.length).toBe(1)
      expect(link.of('bug')).toEqual([])
    })

    test('of several edges, all stop lending to it', async () => {
      const app = await RawApp.answering(OK)
      const edges = [await TestEdge.start(), await TestEdge.start()]
      for (const edge of edges) closing.push(() => edge.close())
      const link = new LinkerUnderTest(
        edges.map(({ address }) => address),
        app.port,
        { options: { concurrency: 4 } },
      )
      closing.push(() => link.close())
      const [first, second] = [await edges[0]?.session(), await edges[1]?.session()]
      await until('every slot is lent', () => sum() === 4)
      function sum(): number {
        return (first?.session.unspent ?? 0) + (second?.session.unspent ?? 0)
      }
      await until('both have some', () => (first?.session.unspent ?? 0) > 0)
      await app.close()
      expect((await first?.get())?.outcome).toBe(`refuse ${REFUSE.INSTANCE}`)
      await until('everything is taken back', () => sum() === 0)
      expect(link.of('bug')).toEqual([])
    })

    test.for([false, true])('in time gets it back to the edge after appConnect (TCP: %s)', async (tcp) => {
      const app = await stuckApplication()
      const edge = await TestEdge.start()
      closing.push(() => edge.close())
      const link = new LinkerUnderTest([edge.address], 1, {
        application: app,
        options: { appConnectMs: 200, tcp },
      })
      closing.push(() => link.close())
      const session = await edge.granted(1)
      const since = performance.now()
      const stream = tcp ? session.openTcp() : session.open()
      if (tcp) stream.write('x'.repeat(60_000))
      await stream.over
      expect(stream.outcome).toBe(`refuse ${REFUSE.INSTANCE}`)
      expect(performance.now() - since).toBeGreaterThan(180)
    })

    test.for([false, true])('is no reason to wait for a client that has left (TCP: %s)', async (tcp) => {
      const app = await stuckApplication()
      const edge = await TestEdge.start()
      closing.push(() => edge.close())
      const link = new LinkerUnderTest([edge.address], 1, {
        application: app,
        options: { appConnectMs: 60_000, tcp },
      })
      closing.push(() => link.close())
      const session = await edge.granted(1)
      const answer = tcp ? session.openTcp() : session.open()
      answer.stream.reset(RESET.CANCELLED)
      await until('the grant is back', () => session.session.unspent === 1)
      expect(link.of('unreachable')).toEqual([])
    })
  },
)

/** A process that is stopped, and whose queue of connections is full: a SYN is not answered. */
async function stuckApplication(): Promise<Application> {
  const script = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    console.log(this.address().port)
  })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  closing.push(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line)
  child.kill('SIGSTOP')
  await until('the process is stopped', () => processState(child.pid as number) === 'T')
  // Those that the queue takes are connected; when one is not, it is full.
  const fillers: Socket[] = []
  closing.push(async () => {
    for (const filler of fillers) filler.destroy()
  })
  for (let isFull = false; !isFull; ) {
    const filler = connect(port, '127.0.0.1')
    fillers.push(filler)
    filler.on('error', () => {})
    isFull = await Promise.race([
      once(filler, 'connect').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, true)),
    ])
  }
  return {
    exited: new Promise(() => {}),
    waitUntilListening: () => Promise.resolve({ host: '127.0.0.1', port, tookMs: 0 }),
    stop: () => Promise.resolve(),
    isFailing: () => false,
    again: () => Promise.reject(new Error('it is not started here')),
    tail: () => '',
  }
}
