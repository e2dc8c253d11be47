import { Agent } from 'node:http'
import { EdgeProcess, eventually, expectNoLeftovers, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { asYaml, ConfigFile, launched } from './config-file.ts'

const RELOADS = 20
const CONNECTIONS = 8

let file: ConfigFile
let edge: EdgeProcess
let agent: Agent

beforeEach(() => {
  file = new ConfigFile()
  agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
})

afterEach(async () => {
  agent.destroy()
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

const scaler = launched(linked(nodeApp('echo'), ['-c', '8']))

/** One request over the agent's connections. @returns what is wrong with its answer, or null */
async function failure(id: string): Promise<string | null> {
  try {
    const answer = await edge.ask(`/${id}`, { host: 'shop.test', headers: { 'x-id': id }, agent })
    if (answer.status !== 200) return `${id}: ${answer.status} ${answer.text}`
    const { url, headers } = answer.json()
    return url === `/${id}` && headers['x-id'] === id ? null : `${id}: the answer to ${url}`
  } catch (error) {
    return `${id}: ${error}`
  }
}

/** The file of a round: apps come and go, limits and listeners change; what is asked for stays. */
function round(at: number, listen: readonly string[]): string {
  const shop = { hosts: ['shop.test', `r${at}.test`], max: 2 + (at % 3), hold: `${20 + at}s`, scaler }
  const extra = at % 2 === 0 ? { extra: { hosts: ['extra.test'], min: at % 4 === 0 ? 1 : 0, scaler } } : {}
  const more = at % 2 === 0 ? [listen[1]] : []
  return asYaml({ ...extra, shop }, { listen: [listen[0], ...more], limits: { held: 1000 + at } })
}

describe('20 reloads under load', () => {
  it('fail no request: apps, limits and listeners come and go, and each answer belongs to its request', async () => {
    const listen = (await freePorts(2)).map((port) => `127.0.0.1:${port}`)
    file.write(round(0, listen))
    edge = await EdgeProcess.start({ file: file.path, requests: false })
    let isOver = false
    let count = 0
    const failures: string[] = []
    const worker = async () => {
      while (!isOver) {
        const wrong = await failure(`id-${count++}`)
        if (wrong !== null) failures.push(wrong)
      }
    }
    const load = Array.from({ length: CONNECTIONS }, worker)
    const more = () => {
      const before = count
      return eventually('the load goes on', () => count >= before + 2 * CONNECTIONS)
    }
    try {
      await edge.event('ready', ({ app }) => app === 'shop')
      for (let at = 1; at <= RELOADS; at++) {
        await more()
        file.write(round(at, listen))
        edge.signal('SIGHUP')
        await edge.event('reloaded', undefined, at)
        expect((await edge.ask('/', { host: `r${at}.test` })).status).toBe(200)
        const isThere = at % 2 === 0
        if (!isThere || at % 4 === 0)
          expect((await edge.ask('/', { host: 'extra.test' })).status).toBe(isThere ? 200 : 404)
      }
      await more()
    } finally {
      isOver = true
      await Promise.all(load)
    }
    expect(failures).toEqual([])
    expect(edge.matching('reload failed')).toEqual([])
    expect(count).toBeGreaterThan(500)
    expect(edge.matching('bug')).toEqual([])
  })
})
