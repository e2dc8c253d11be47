import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers, Running } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { ConfigFile } from './config-file.ts'
import { type LoadFigures, NormalLoad } from './normal-load.ts'

/*
 * Clients that are slow, stuck or too many, against a real edge with two apps: one that they ask, and one that others ask
 * meanwhile, who behave. `pnpm bench:slow` runs it with 5,000 of each kind and longer bounds, and prints the figures that
 * docs/performance.md quotes. What is done about each kind is in packages/edge/src/forward/slow-client.test.ts.
 */

const COUNT = Number(process.env.SLOW_CLIENTS ?? 1_000)
const isBenchmark = process.env.SLOW_CLIENTS !== undefined
/** Short, so that each kind is over in seconds; still, all of them have to be open at once. */
const BOUND = isBenchmark ? '20s' : '3s'
const CALM_MS = isBenchmark ? 10_000 : 2_000
const CLIENTS = fileURLToPath(new URL('slow-clients.mjs', import.meta.url))
/** Those who behave, and those who ask for the status. */
const OTHERS = 40
const KIB = 1024
/** Memory that an edge takes for so many at once, however much of it is garbage. */
const MAX_EACH_KIB = 200
const MAX_MORE_KIB = 150 * KIB

const NEEDED_FILES = COUNT * 2 + 500
const isLinux = process.platform === 'linux'

vi.setConfig({ testTimeout: 60_000 + COUNT * 20, hookTimeout: 60_000 })

const file = new ConfigFile()
let edge: EdgeProcess
let load: NormalLoad
let before: Seen
let mostFiles = 0
const table: string[] = []

/** What an edge takes of the machine. */
interface Seen {
  readonly rssKiB: number
  readonly files: number
}

function look(): Seen {
  const status = readFileSync(`/proc/${edge.pid}/status`, 'latin1')
  return {
    rssKiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    files: readdirSync(`/proc/${edge.pid}/fd`).length,
  }
}

/** The hard limit: Node raises the soft one to it. */
function openFiles(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1])
}

function row(beside: string, { rssKiB, files }: Seen, { answered, failed, ...times }: LoadFigures): void {
  const { p50, p99, max } = times
  const ms = [p50, p99, max].map((value) => value.toFixed(1))
  table.push([beside, Math.round(rssKiB / KIB), files, answered, failed.length, ...ms].join(' | '))
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

const isPossible = isLinux && openFiles() >= NEEDED_FILES

// Only Linux says what a process takes; and each side of each connection is an open file.
describe.skipIf(!isPossible)(`clients, ${COUNT} at a time (Linux, with ${NEEDED_FILES} open files)`, () => {
  beforeAll(async () => {
    const app = (name: string, command: readonly string[]) => ({
      hosts: [`${name}.test`],
      max: 1,
      scaler: { shell: { command } },
    })
    file.set(
      {
        // As many slots as there may be clients: what happens when they run out is another matter.
        slow: app('slow', linked(nodeApp('bulk'), ['-c', '60000'], { BRXY_ABORT_LINGER: '100ms' })),
        normal: app('normal', linked(nodeApp('parallel'), ['-c', '100'])),
      },
      {
        // Not shorter: who behaves may be slow as well, on a busy machine.
        timeouts: { head: BOUND, keepAlive: isBenchmark ? BOUND : '10s', writeStall: BOUND },
        defaults: { bodyIdle: BOUND },
        limits: { connections: COUNT + OTHERS },
      },
    )
    edge = await EdgeProcess.start({ file: file.path, requests: false })
    await edge.ask('/written', { host: 'slow.test' })
    load = new NormalLoad(edge.port)
    await pause(CALM_MS)
    load.take()
    await pause(CALM_MS)
    before = look()
    const figures = load.take()
    row('nobody', before, figures)
    expect(figures.failed).toEqual([])
  })

  afterAll(async () => {
    await load?.stop()
    await edge?.close()
    file.remove()
    const head = 'beside | edge MiB at most | its open files | answers | failed | p50 ms | p99 ms | max ms'
    if (isBenchmark) console.log([head, ...table].join('\n'))
    await expectNoLeftovers()
  })

  /** Runs so many clients of these kinds, by turns, to their end. @returns how they have ended */
  async function attack(kinds: string, count = COUNT): Promise<Record<string, number>> {
    load.take()
    let peak = look()
    const clients = new Running(process.execPath, [CLIENTS, kinds, String(count), String(edge.port)])
    const watch = setInterval(() => {
      const { rssKiB, files } = look()
      peak = { rssKiB: Math.max(peak.rssKiB, rssKiB), files: Math.max(peak.files, files) }
    }, 50)
    try {
      const [, ends] = await clients.prints(/^closed (.*)$/m, 60_000 + COUNT * 20)
      const figures = load.take()
      row(`${count} ${kinds}`, peak, figures)
      mostFiles = peak.files
      // Who behaves has noticed nothing, and was served meanwhile.
      expect(figures.failed).toEqual([])
      expect(figures.answered).toBeGreaterThan(0)
      expect(peak.rssKiB - before.rssKiB).toBeLessThan(MAX_MORE_KIB + MAX_EACH_KIB * count)
      await eventually('they are gone', async () => (await edge.status()).connections <= OTHERS)
      return JSON.parse(ends)
    } finally {
      clearInterval(watch)
      await clients.stop()
    }
  }

  it('whose heads never end are answered 408', async () => {
    expect(await attack('heads')).toEqual({ 'heads 408': COUNT })
  })

  it('whose bodies never end are answered 408', async () => {
    expect(await attack('bodies,chunks')).toEqual({ 'bodies 408': COUNT / 2, 'chunks 408': COUNT / 2 })
  })

  it('who read nothing of what fits into kernels are let go', async () => {
    // They fill the memory of kernels, of which an ordinary machine has less.
    const count = isBenchmark ? COUNT : COUNT / 5
    const ends = await attack('readers', count)
    expect(Object.values(ends).reduce((sum, some) => sum + some)).toBe(count)
  })

  it('who read nothing of what does not are reset', async () => {
    const ends = await attack('stuck', COUNT / 50)
    for (const end of Object.keys(ends)) expect(end).toMatch(/EPIPE|ECONNRESET/)
  })

  it.runIf(isBenchmark)('who say nothing are closed in silence', async () => {
    expect(await attack('silent')).toEqual({ 'silent end': COUNT })
  })

  it('who send too much of anything are refused', async () => {
    const expected = {
      'long target': 414,
      'long head': 431,
      'many fields': 431,
      'long chunk line': 400,
      'long trailers': 431,
    }
    const ends = await attack(Object.keys(expected).join(','))
    // Who still sends when it is refused may be reset before it has read why.
    for (const [kind, status] of Object.entries(expected))
      expect(ends[`${kind} ${status}`], JSON.stringify(ends)).toBeGreaterThan(COUNT / 10)
  })

  it('that are more than may connect are closed, and the others go on', async () => {
    const { 'heads 408': served = 0 } = await attack('heads', COUNT * 2)
    expect(served).toBeGreaterThan(COUNT / 2)
    expect(mostFiles - before.files).toBeLessThan(COUNT + 2 * OTHERS)
  })

  it('leave nothing behind', async () => {
    await eventually('no more files open than before', () => look().files <= before.files + OTHERS)
    const { apps } = await edge.status()
    for (const { held } of apps) expect(held).toMatchObject({ count: 0, bytes: 0 })
    load.take()
    await pause(CALM_MS)
    row('nobody any more', look(), load.take())
  })
})
