import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AppScaler, Instance, Scaler } from '@brxy/scaler'
import { isLacking } from '@brxy-tooling/engines'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import docker from '../src/index.ts'
import { IMAGE, TestEngine, UNTIL_TOLD } from './engine.testkit.ts'

const PATIENCE_MS = 30_000

/** What a proxy has to let through, as docs/scalers.md says it: for all, for `container`, for Swarm. */
const RULES: Readonly<Record<string, RegExp>> = {
  '/_ping': /^GET \/_ping$/,
  '/events': /^GET \/events$/,
  '/images/create': /^POST \/images\/create$/,
  '/containers: list': /^GET \/containers\/json$/,
  '/containers: create': /^POST \/containers\/create$/,
  '/containers: inspect': /^GET \/containers\/[^/]+\/json$/,
  '/containers: start': /^POST \/containers\/[^/]+\/start$/,
  '/containers: stop': /^POST \/containers\/[^/]+\/stop$/,
  '/containers: logs': /^GET \/containers\/[^/]+\/logs$/,
  '/containers: delete': /^DELETE \/containers\/[^/]+$/,
  '/services': /^(GET|POST|DELETE) \/services(\/[^/]+)?(\/logs)?$/,
  '/tasks': /^GET \/tasks(\/[^/]+)?(\/logs)?$/,
}

describe.skipIf(await isLacking('swarm'))('a proxy that lets through what docs/scalers.md says', () => {
  let engine: TestEngine
  let proxy: Server
  let path: string
  let scaler: Scaler
  /** Rules that were of use, and requests that none allowed. */
  const used = new Set<string>()
  const refused: string[] = []
  let changes = 0

  beforeAll(async () => {
    engine = await TestEngine.start('swarm')
  })
  afterAll(() => engine?.stop())
  beforeEach(async () => {
    used.clear()
    path = engine.path('endpoints.sock')
    proxy = createServer(pass)
    await once(proxy.listen(path), 'listening')
    const host = { owner: 'endpoints', stateDir: '/nonexistent', changed: () => changes++, log() {} }
    scaler = docker({ socket: path }, host)
  })
  afterEach(async () => {
    await scaler.close()
    proxy.closeAllConnections()
    proxy.close()
  })

  function pass(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url = '', headers } = asked
    const what = `${method} ${url.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`
    const [rule] = Object.entries(RULES).find(([, allowed]) => allowed.test(what)) ?? []
    if (rule === undefined) {
      refused.push(what)
      answer.writeHead(403).end('{"message":"not let through"}')
      return
    }
    used.add(rule)
    const onward = request(
      { socketPath: engine.api.socket, method, path: url, headers, agent: false },
      (came) => {
        answer.writeHead(came.statusCode ?? 502, came.headers)
        answer.flushHeaders()
        came.pipe(answer)
        came.once('error', () => answer.destroy())
      },
    )
    onward.once('error', () => answer.destroy())
    answer.once('close', () => onward.destroy())
    asked.pipe(onward)
  }

  /** One that runs until it is removed, one that crashes, and one whose image is nowhere. */
  async function lives(mode: (image: string, command: readonly string[]) => object): Promise<void> {
    const runs = scaler.app('runs', mode(IMAGE, UNTIL_TOLD))
    const ran = await until(runs, ['one'], ([seen]) => seen?.state === 'running')
    await until(runs, [], (seen) => seen.length === 0, ran)
    const crashes = scaler.app('crashes', mode(IMAGE, ['sh', '-c', 'echo out of luck >&2; exit 3']))
    const crashed = await until(crashes, ['two'], ([seen]) => seen?.problem !== undefined)
    expect(crashed[0].problem).toMatchObject({
      code: 'crashed',
      message: expect.stringContaining('out of luck'),
    })
    await until(crashes, [], (seen) => seen.length === 0, crashed)
    const nowhere = scaler.app('nowhere', mode('nope.invalid/x', UNTIL_TOLD))
    const failed = await until(nowhere, ['three'], ([seen]) => seen?.problem !== undefined)
    expect(failed[0].problem).toMatchObject({
      code: 'image',
      message: expect.stringContaining('nope.invalid'),
    })
    await until(nowhere, [], (seen) => seen.length === 0, failed)
  }

  it('is enough for containers, and each of its rules is needed', async () => {
    await lives((Image, Cmd) => ({ container: { Image, Cmd, HostConfig: { NetworkMode: 'host' } } }))
    expect(refused).toEqual([])
    expect([...used].sort()).toEqual(
      Object.keys(RULES)
        .filter((rule) => !/services|tasks/.test(rule))
        .sort(),
    )
    expect(changes).toBeGreaterThan(0)
  })

  it('is enough for tasks of Swarm, which need its rules', async () => {
    await lives((Image, Args) => ({
      task: { TaskTemplate: { ContainerSpec: { Image, Args }, Networks: [{ Target: 'host' }] } },
    }))
    expect(refused).toEqual([])
    expect([...used]).toEqual(expect.arrayContaining(['/_ping', '/events', '/services', '/tasks']))
  })

  it('is what the docs say', () => {
    const docs = readFileSync(new URL('../../../docs/scalers.md', import.meta.url), 'utf8').replace(
      /\s+/g,
      ' ',
    )
    const kinds = Object.keys(RULES).flatMap((rule) => /^\/containers: (.*)/.exec(rule)?.[1] ?? [])
    expect(docs).toContain(
      `\`/_ping\`, \`/events\`, \`/images/create\`, \`/containers\` (${kinds.join(', ')}), and for Swarm \`/services\` and \`/tasks\``,
    )
  })
})

/** Asks for what is wanted, again and again, until it is there. */
async function until(
  app: AppScaler,
  launches: readonly string[],
  isThere: (seen: readonly Instance[]) => boolean,
  remove: readonly Instance[] = [],
): Promise<readonly Instance[]> {
  const start = launches.map((id) => ({ id: `endpoints-${app.launches}-${id}-${process.pid}`, env: {} }))
  const endMs = performance.now() + PATIENCE_MS
  for (;;) {
    const seen = await app.scale({ want: start.length, start, remove }, AbortSignal.timeout(PATIENCE_MS))
    if (isThere(seen)) return seen
    if (performance.now() > endMs) throw new Error(`in vain: ${JSON.stringify(seen)}`)
    await sleep(100)
  }
}
