import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { conformance, type Driver } from '@brxy/scaler/conformance'
import shell from '@brxy/scaler-shell'
import { hasPeer, Marathon } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, test } from 'vitest'
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

if (hasPeer('curl')) conformance(driver, { test })
else test.skip('marathon: the whole kit (skipped: curl is not installed)', () => {})
