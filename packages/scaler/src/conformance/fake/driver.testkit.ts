import { setTimeout as sleep } from 'node:timers/promises'
import type { Host, Problem, Scaler } from '../../contract.ts'
import type { Driver, EndToEnd, Provoked } from '../driver.ts'
import { CountedScaler } from './counted.testkit.ts'
import { digest, NamedScaler } from './named.testkit.ts'
import { FakePlatform } from './platform.testkit.ts'

/** How long a request keeps its instance. */
const BUSY_MS = 100
/** Everything happens within milliseconds there; what has to be waited out is waited out briefly. */
const TIMES = {
  patienceMs: 10_000,
  problemMs: 10_000,
  watchMs: 100,
  settleMs: 100,
  abortMs: 2_000,
  pollMs: 5,
}

export function namedDriver(
  make: (platform: FakePlatform, host: Host) => Scaler = (platform, host) => new NamedScaler(platform, host),
): Driver {
  const platform = new FakePlatform()
  const offers =
    (image: string): ((route: string) => Promise<Provoked>) =>
    async () => ({ options: { image }, message: image === 'nope' ? 'cannot pull "nope"' : /./ })
  return {
    ...common(platform, (host) => make(platform, host)),
    name: 'a fake platform, named',
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    prepare: async () => ({ image: 'runs' }),
    list: async (route) => runningOf(platform, 'route', digest(route)),
    leave: async (id) => platform.end(id, 0),
    cleanUp: async (route) => platform.purge('route', digest(route)),
    changedWithinMs: 5_000,
    environment: async (id) => platform.copies.get(id)?.env ?? {},
    refuse: async (launch) => void platform.refused.add(launch),
    problems: { image: offers('nope'), unschedulable: offers('too large'), crashed: offers('crashes') },
    endToEnd: async (route) => edgeOf(platform, route),
  }
}

/** An edge that starts one instance for each request, and stops it after its answer. */
function edgeOf(platform: FakePlatform, route: string): EndToEnd {
  let asked = 0
  return {
    async ask() {
      const name = `brxy-asked-${++asked}`
      await platform.create(name, { labels: { route: digest(route) }, env: {}, image: 'runs' })
      await sleep(BUSY_MS)
      await platform.delete(name)
      return 200
    },
    async close() {},
  }
}

export function countedDriver(
  removal: Driver['removal'],
  make: (platform: FakePlatform, host: Host, isOrdered: boolean) => Scaler = (platform, host, isOrdered) =>
    new CountedScaler(platform, host, isOrdered),
): Driver {
  const platform = new FakePlatform(CHOICES[removal])
  const workloadOf = async (route: string, image: string) => {
    platform.makeWorkload(digest(route), image)
    return { image, workload: digest(route) }
  }
  const offers = (image: string) => async (route: string) => ({ options: await workloadOf(route, image) })
  const problems: Partial<Record<Problem['code'], (route: string) => Promise<Provoked>>> = {
    image: offers('nope'),
    unschedulable: offers('too large'),
  }
  return {
    ...common(platform, (host) => make(platform, host, removal === 'ordered')),
    name: `a fake platform, counted, ${removal}`,
    launches: 'counted',
    leaves: 'park',
    removal,
    prepare: (route) => workloadOf(route, 'runs'),
    list: async (route) => runningOf(platform, 'workload', digest(route)),
    leave: async () => {},
    cleanUp: async (route) => platform.purge('workload', digest(route)),
    problems,
  }
}

const CHOICES = { exact: 'leavers', ordered: 'highest', any: 'oldest' } as const

function common(platform: FakePlatform, make: (host: Host) => Scaler) {
  const outage = (kind: 'refused' | 'silent') => async () => {
    platform.outage = kind
    return async () => {
      platform.outage = 'none'
    }
  }
  return {
    times: TIMES,
    badOptions: [{ options: {}, path: 'image' }],
    make,
    kill: async (id: string) => platform.end(id, 9),
    graceMs: async () => 45_000,
    outages: { refused: outage('refused'), silent: outage('silent') },
    loseWatch: async () => platform.watchers.clear(),
  }
}

function runningOf(platform: FakePlatform, label: string, value: string) {
  return [...platform.copies.values()]
    .filter(({ labels, state }) => labels[label] === value && state === 'running')
    .map(({ name, incarnation }) => ({ id: name, incarnation: `${incarnation}` }))
}
