import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { conformance, type Driver } from '@brxy/scaler/conformance'
import shell from '@brxy/scaler-shell'
import { hasPeer, Marathon, runToEnd } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from './tree.ts'

const marathon = new Marathon()
beforeAll(() => marathon.listen())
afterAll(() => marathon.close())

const script = (name: string) => join(ROOT, 'examples/mesos', name)
const nameOf = (route: string) => createHash('sha256').update(route).digest('hex').slice(0, 16)
const outage = (kind: 'refused' | 'silent') => async () => {
  marathon.outage = kind
  return async () => {
    marathon.outage = 'none'
  }
}

const driver: Driver = {
  name: 'marathon',
  launches: 'counted',
  leaves: 'park',
  removal: 'exact',
  badOptions: [{ options: { per: 'app', command: ['x'] }, path: 'observe' }],
  make: (host) => shell({}, host),
  prepare: async (route) => {
    marathon.create(nameOf(route), 'exec sleep 3600')
    const url = marathon.url(nameOf(route))
    return { per: 'app', command: [script('scale.sh'), url], observe: [script('observe.sh'), url] }
  },
  list: async (route) =>
    marathon.running(nameOf(route)).map(({ id, pid }) => ({ id, incarnation: `${pid}` })),
  leave: async () => {},
  kill: async (id, route) => {
    const { pid } = marathon.running(nameOf(route)).find((one) => one.id === id) ?? {}
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  },
  cleanUp: async (route) => marathon.remove(nameOf(route)),
  outages: { refused: outage('refused'), silent: outage('silent') },
}

/** Something between the edge and Marathon that answers in its place. */
async function proxy(answer: string) {
  const asked: string[] = []
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`)
    response.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/apps/shop`
  return { asked, url, close: () => new Promise((resolve) => server.close(resolve)) }
}

test.skipIf(!hasPeer('curl'))(
  'neither script takes an answer that is not of Marathon for an app without tasks',
  async () => {
    const { asked, url, close } = await proxy('<h1>Please log in</h1>')
    const env = { BRXY_WANT: '1', BRXY_REMOVE: '' }
    const ended = { code: 75, stdout: '', stderr: expect.stringContaining('Please log in') }
    expect(await runToEnd(script('observe.sh'), [url])).toMatchObject(ended)
    expect(await runToEnd(script('scale.sh'), [url], { env })).toMatchObject(ended)
    expect(asked).toEqual(['GET /v2/apps/shop/tasks', 'GET /v2/apps/shop'])
    await close()
  },
)

if (hasPeer('curl')) conformance(driver, { test })
else test.skip('marathon: the whole kit (skipped: curl is not installed)', () => {})
