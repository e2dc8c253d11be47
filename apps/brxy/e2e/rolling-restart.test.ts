import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { EdgeProcess, eventually, expectNoLeftovers, isRunning, tempDir } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked } from './apps.ts'

const CLIENTS = 6

/** The code that is there now: read once, at the start, as an interpreter does. It answers after a moment. */
const APP = `
  const { readFileSync } = require('node:fs')
  const version = readFileSync(process.argv[1], 'utf8')
  if (version === 'broken') { console.error('this version is broken'); process.exit(3) }
  require('node:http')
    .createServer((request, response) => {
      request.resume()
      request.on('end', () => setTimeout(() => response.end(version + ' ' + process.pid), 20))
    })
    .listen(process.env.PORT, '127.0.0.1')
`

let edge: EdgeProcess
let agent: Agent
let folder: ReturnType<typeof tempDir>
let code: string

beforeEach(() => {
  folder = tempDir()
  code = join(folder.path, 'version')
  agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
})
afterEach(async () => {
  agent.destroy()
  await edge.close()
  folder.remove()
  await expectNoLeftovers()
})

function deploy(version: string): void {
  writeFileSync(code, version)
  expect(readFileSync(code, 'utf8')).toBe(version)
}

/** Clients that ask without a pause, until they are stopped; what they were told. */
class Load {
  readonly failures: string[] = []
  /** The last answers of each version: how many. */
  readonly counts = new Map<string, number>()
  last = ''
  count = 0
  #isOver = false
  readonly #clients = Array.from({ length: CLIENTS }, (_, at) => this.#client(at))

  async #client(at: number): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      // Both kinds: what is safe to send again, and what is not.
      const options = round % 2 === 0 ? { agent } : { agent, method: 'POST', body: `${at}` }
      try {
        const { status, text } = await edge.ask('/', options)
        if (status !== 200) this.failures.push(`${status} ${text}`)
        else this.last = text
        const version = text.split(' ')[0] as string
        this.counts.set(version, (this.counts.get(version) ?? 0) + 1)
      } catch (error) {
        this.failures.push(`${error}`)
      }
      this.count++
    }
  }

  /** So many more requests have been answered. */
  async more(): Promise<void> {
    const before = this.count
    await eventually('the load goes on', () => this.count >= before + 4 * CLIENTS)
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }
}

describe('SIGHUP to a linker under load', () => {
  it.each([
    [1, 4],
    [2, 2],
  ])(
    'of %i instance(s) of %i slots each: the new version takes over, and no request fails',
    async (max, slots) => {
      deploy('v1')
      edge = await EdgeProcess.start({
        // Each request waits for two others at one instance of two slots: longer than this, on any machine.
        flags: ['--max', `${max}`, '--patience', '10ms'],
        command: linked([process.execPath, '-e', APP, code], ['-c', `${slots}`]),
      })
      const load = new Load()
      try {
        await edge.event('ready', undefined, max)
        await load.more()
        const old = await Promise.all(Array.from({ length: max }, (_, at) => edge.linkerPid(at + 1)))
        deploy('v2')
        for (const [at, pid] of old.entries()) {
          process.kill(pid, 'SIGHUP')
          await edge.event('left', undefined, at + 1)
          await eventually('the old linker is gone', () => !isRunning(pid))
        }
        await load.more()
        const before = load.counts.get('v1')
        await load.more()
        expect(load.counts.get('v1'), 'the old version answers no more').toBe(before)
        expect(load.last).toMatch(/^v2 /)
      } finally {
        await load.stop()
      }
      expect(load.failures).toEqual([])
      expect(edge.matching('launch failed')).toEqual([])
      expect(edge.matching('launching').length, 'one successor for each').toBe(2 * max)
      expect(edge.matching('bug')).toEqual([])
    },
  )

  it('to a version that does not start: the old one stays, and serves', async () => {
    deploy('v1')
    edge = await EdgeProcess.start({
      flags: ['--max', '1'],
      command: linked([process.execPath, '-e', APP, code], ['-c', '4']),
    })
    const load = new Load()
    try {
      await edge.event('ready')
      deploy('broken')
      const pid = await edge.linkerPid()
      process.kill(pid, 'SIGHUP')
      await edge.event('launch failed')
      await load.more()
      expect(isRunning(pid)).toBe(true)
      expect(edge.matching('left', ({ reason }) => reason !== 'failed')).toEqual([])
    } finally {
      await load.stop()
    }
    expect(load.failures).toEqual([])
    expect([...load.counts.keys()]).toEqual(['v1'])
  })
})
