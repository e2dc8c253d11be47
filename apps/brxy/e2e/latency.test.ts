import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { ask, EdgeProcess, eventually, expectNoLeftovers, freePorts, within } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { linked } from './apps.ts'

/** How often each way is taken, in turns. */
const ROUNDS = 200
/** What brxy may add at the median; where the machine is so busy that the direct way is slow too, some times that. */
const MAX_ADDED_MS = 1
const MAX_ADDED_TIMES = 4

let edge: EdgeProcess
/** Where the application can be asked without brxy, and through it. */
let ways: { readonly direct: number; readonly brxy: number }
let agent: Agent

beforeAll(async () => {
  const app = fileURLToPath(new URL('stamping-app.mjs', import.meta.url))
  const [direct] = await freePorts(1)
  edge = await EdgeProcess.start({
    command: linked([process.execPath, app], ['-c', '8', '--app-port', `${direct}`]),
    requests: false,
  })
  ways = { direct, brxy: edge.port }
  expect((await edge.ask('/')).status).toBe(200)
})
beforeEach(() => {
  agent = new Agent({ keepAlive: true })
})
// What a failed attempt left open is nothing that the next one waits for.
afterEach(() => agent.destroy())
afterAll(async () => {
  await edge.close()
  await expectNoLeftovers()
})

const nowMs = () => Number(process.hrtime.bigint()) / 1e6

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Tells the medians of both ways, which docs/performance.md quotes, and holds them against each other. */
function compare(what: string, tookMs: { readonly direct: number[]; readonly brxy: number[] }): void {
  const [direct, brxy] = [median(tookMs.direct), median(tookMs.brxy)]
  const added = brxy - direct
  console.log(
    `${what}: p50 direct ${direct.toFixed(2)} ms, brxy ${brxy.toFixed(2)} ms, added ${added.toFixed(2)} ms`,
  )
  expect(added).toBeLessThan(Math.max(MAX_ADDED_MS, direct * MAX_ADDED_TIMES))
}

function opened(port: number, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ port, host: 'localhost', path, agent }, resolve).on('error', reject)
  })
}

/** How long what a tick caused was on its way; the application says when it began. */
async function nextAge(response: IncomingMessage): Promise<number> {
  const [data] = await within('an event', once(response, 'data'))
  return nowMs() - Number(BigInt(/data: (\d+)/.exec(String(data))?.[1] ?? 0)) / 1e6
}

const tick = () => ask(ways.direct, '/tick', { method: 'POST' })

// Chance has its turn on a machine with two busy cores; that it wins three times is no chance.
describe('what the application sends when it likes', { retry: 2 }, () => {
  it('is with the client at once: server-sent events', async () => {
    const streams = { direct: await opened(ways.direct, '/events'), brxy: await opened(ways.brxy, '/events') }
    const tookMs: Record<'direct' | 'brxy', number[]> = { direct: [], brxy: [] }
    for (let round = 0; round < ROUNDS; round++) {
      const ages = Promise.all([nextAge(streams.direct), nextAge(streams.brxy)])
      await tick()
      const [direct, brxy] = await ages
      tookMs.direct.push(direct)
      tookMs.brxy.push(brxy)
    }
    for (const stream of Object.values(streams)) stream.destroy()
    compare('server-sent event', tookMs)
  })

  it('is with the client at once: the first byte of a long poll', async () => {
    const tookMs: Record<'direct' | 'brxy', number[]> = { direct: [], brxy: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ['direct', 'brxy'] as const) {
        const polling = opened(ways[way], '/poll')
        await eventually('the poll', async () => (await ask(ways.direct)).text === '1')
        await tick()
        const response = await polling
        tookMs[way].push(await nextAge(response))
        response.resume()
      }
    }
    compare('long poll', tookMs)
  })

  it('goes round at once: a WebSocket message and its echo', async () => {
    const sockets = {
      direct: new WebSocket(`ws://localhost:${ways.direct}/`),
      brxy: new WebSocket(`ws://localhost:${ways.brxy}/`),
    }
    for (const socket of Object.values(sockets)) await within('the upgrade', once(socket, 'open'))
    const message = Buffer.alloc(100, 'x')
    const tookMs: Record<'direct' | 'brxy', number[]> = { direct: [], brxy: [] }
    for (let round = 0; round < ROUNDS * 4; round++) {
      for (const way of ['direct', 'brxy'] as const) {
        const sentMs = nowMs()
        const echo = once(sockets[way], 'message')
        sockets[way].send(message)
        await within('the echo', echo)
        tookMs[way].push(nowMs() - sentMs)
      }
    }
    for (const socket of Object.values(sockets)) socket.terminate()
    compare('WebSocket round trip', tookMs)
  })
})
