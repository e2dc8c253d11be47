import { Random } from '../random.ts'
import { withCrossings } from './crossings.ts'
import type { AppPlan, Fault, Misdeed, PlatformMode, RequestPlan, Scenario } from './scenario.ts'
import { withUrgency } from './urgency.ts'
import { makeWishes, sayWishes } from './wishes.ts'

const MISDEEDS: readonly Misdeed[] = ['crash', 'close', 'early', 'short', 'hang', 'garbage']
const PLATFORM_MODES: readonly PlatformMode[] = [
  'slow calls',
  'failing calls',
  'lost answers',
  'slow starts',
  'never connects',
  'crashing starts',
  'duplicates',
  'refused starts',
]

/** Chance of its own: what else happens in a history does not depend on it. */
const WISHES_SALT = 0x51_075

/** How much goes wrong in a history. */
interface Mood {
  /** Faults of any kind. */
  readonly faults: number
  /** Of requests. */
  readonly misdeeds: number
  readonly leavers: number
  readonly dawdlers: number
}

/**
 * What chance makes of a seed: from an easy day to one on which everything breaks.
 * @param asked how many edges; 0: two in each fourth history
 */
export function generate(seed: number, asked = 0): Scenario {
  const edges = asked > 0 ? asked : seed % 4 === 0 ? 2 : 1
  const random = new Random(seed)
  const mood: Mood = random.pick([
    { faults: 0, misdeeds: 0, leavers: 0, dawdlers: 0 },
    { faults: 1, misdeeds: 0, leavers: 0.05, dawdlers: 0.02 },
    { faults: 4, misdeeds: 0.05, leavers: 0.05, dawdlers: 0.05 },
    { faults: 12, misdeeds: 0.1, leavers: 0.15, dawdlers: 0.05 },
    { faults: 24, misdeeds: 0.2, leavers: 0.2, dawdlers: 0.1 },
  ])
  const lengthMs = random.spread(10_000, 120_000)
  const apps = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, at) =>
    onPlatform(new Random(seed ^ (PLATFORM_SALT + at)), makeApp(random, `app${at + 1}`)),
  )
  const ofWishes = new Random(seed ^ WISHES_SALT)
  const requests = sayWishes(ofWishes, makeRequests(random, apps, lengthMs, mood, edges))
  const faultCount = mood.faults === 0 ? 0 : 1 + random.below(mood.faults)
  const faults = Array.from({ length: faultCount }, () => makeFault(random, apps, lengthMs))
  if (mood.faults > 1 && random.chance(0.2)) faults.push(...random.pick(STORMS)(random, requests, lengthMs))
  if (mood.faults > 0) faults.push(...makeWishes(ofWishes, requests, lengthMs))
  const scenario = {
    seed,
    edges,
    network: makeNetwork(random),
    apps,
    requests,
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    healAtMs: lengthMs,
  }
  return withUrgency(withCrossings(scenario))
}

/** Chance of its own: what else happens in a history does not depend on it. */
const PLATFORM_SALT = 0x9_1a7f

/** A quarter of the apps run on platforms that count replicas. */
function onPlatform(random: Random, plan: AppPlan): AppPlan {
  const platform = random.pick([
    'named',
    'named',
    'named',
    'named',
    'named',
    'named',
    'counted',
    'ordered',
  ] as const)
  return platform === 'named' ? plan : { ...plan, platform }
}

type Storm = (random: Random, requests: readonly RequestPlan[], lengthMs: number) => Fault[]

/** What takes several faults, one of which alone does no harm, and comes together too rarely by chance. */
const STORMS: readonly Storm[] = [
  // What it starts nobody hears of, neither from the platform nor from a linker.
  (random, _, lengthMs) => {
    const atMs = random.below(lengthMs)
    const forMs = random.spread(5_000, 60_000)
    return (['lost answers', 'never connects'] as const).map((mode) => ({
      atMs,
      kind: 'platform',
      mode,
      forMs,
      delayMs: 0,
    }))
  },
  // Instances that are told to go just when requests come.
  (random, requests) =>
    Array.from({ length: 6 }, (_, which) => ({
      atMs: random.pick(requests).atMs + random.below(1_000),
      kind: 'terminate',
      which,
      isTwice: false,
    })),
]

function makeNetwork(random: Random) {
  const minDelayMs = random.pick([0.02, 0.2, 2, 20, 80])
  return {
    minDelayMs,
    maxDelayMs: minDelayMs * random.pick([1, 2, 5]),
    fragments: random.pick([0, 0.05, 0.5]),
    minBufferBytes: 8 * 1024,
    maxBufferBytes: 512 * 1024,
  }
}

function makeApp(random: Random, name: string): AppPlan {
  const slots = random.pick([1, 1, 1, 2, 4, 16])
  const startMs = random.spread(20, 5_000)
  return {
    name,
    slots,
    threads: random.chance(0.8) ? slots : Math.max(1, slots - 1),
    min: random.pick([0, 0, 0, 1]),
    max: random.pick([1, 2, 3, 5]),
    holdMs: random.spread(2_000, 30_000),
    patienceMs: random.pick([0, 100, 100, 1_000]),
    startTimeoutMs: 5_000 + random.spread(2_000, 15_000),
    backoffMinMs: random.spread(100, 2_000),
    backoffMaxMs: random.spread(2_000, 10_000),
    queueRequests: random.pick([3, 20, 10_000, 10_000]),
    responseMs: random.spread(5_000, 60_000),
    idleMs: random.spread(50, 15_000),
    drainMs: random.spread(500, 10_000),
    lostMs: random.spread(5_000, 300_000),
    abortLingerMs: random.spread(200, 30_000),
    startMs,
    keepAliveMs: random.pick([0, 50, 500, 5_000]),
    ignoresClose: random.chance(0.4),
    ignoresTerm: random.chance(0.1),
  }
}

function makeRequests(
  random: Random,
  apps: readonly AppPlan[],
  lengthMs: number,
  mood: Mood,
  edges: number,
): RequestPlan[] {
  const count = random.spread(5, 60)
  const clients = random.spread(1, 20)
  // Bursts and quiet times: some come together.
  const burstsMs = Array.from({ length: 1 + random.below(5) }, () => random.below(lengthMs))
  return Array.from({ length: count }, (_, at) => {
    const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT'] as const)
    const hasBody = (method === 'POST' || method === 'PUT') && random.chance(0.8)
    const atMs = random.chance(0.6) ? random.pick(burstsMs) + random.below(300) : random.below(lengthMs)
    return {
      id: at + 1,
      atMs,
      edge: random.below(edges),
      app: random.pick(apps).name,
      client: 1 + random.below(clients),
      method,
      bodyBytes: hasBody ? random.spread(1, random.chance(0.1) ? 400_000 : 20_000) : 0,
      isChunked: random.chance(0.5),
      uploadPauseMs: random.chance(0.2) ? random.spread(1, 3_000) : 0,
      serviceMs: random.chance(0.1) ? random.spread(1_000, 20_000) : random.spread(1, 1_000),
      responseBytes: random.chance(0.2) ? 0 : random.spread(1, random.chance(0.15) ? 600_000 : 20_000),
      framing: random.pick(['length', 'length', 'chunked', 'close'] as const),
      responsePauseMs: random.chance(0.2) ? random.spread(1, 3_000) : 0,
      misdeed: random.chance(mood.misdeeds) ? random.pick(MISDEEDS) : null,
      leaveAfterMs: random.chance(mood.leavers) ? random.spread(1, 10_000) : -1,
      dawdleMs: random.chance(mood.dawdlers) ? random.spread(10, 20_000) : 0,
    }
  })
}

function makeFault(random: Random, apps: readonly AppPlan[], lengthMs: number): Fault {
  const atMs = random.below(lengthMs)
  const which = random.below(8)
  const forMs = random.spread(100, 60_000)
  switch (random.below(18)) {
    case 0:
    case 1:
      return { atMs, kind: 'cut tunnel', which, how: random.pick(['fin', 'rst', 'half']) }
    case 2:
    case 3:
      return {
        atMs,
        kind: 'silence tunnel',
        which,
        way: random.pick(['to edge', 'to linker', 'both']),
        forMs,
      }
    case 4:
      return {
        atMs,
        kind: 'partition',
        whom: random.pick(['instances', 'edge']),
        which: random.below(2),
        forMs,
      }
    case 5:
    case 6:
      return { atMs, kind: 'pause', whom: random.pick(['edge', 'linker', 'application']), which, forMs }
    case 7:
      return { atMs, kind: 'kill', whom: random.pick(['linker', 'application']), which }
    case 8:
      return { atMs, kind: 'vanish', which }
    case 9:
      return { atMs, kind: random.pick(['kill edge', 'stop edge']), which, downMs: random.spread(10, 20_000) }
    case 10:
    case 14:
      return { atMs, kind: 'terminate', which, isTwice: random.chance(0.2) }
    case 11: {
      const byMs = random.pick([-1, 1]) * random.spread(1_000, 3_600_000)
      return { atMs, kind: 'jump clock', whom: random.pick(['edge', 'linker']), which, byMs }
    }
    case 12:
      return { atMs, kind: 'deaf', which, forMs: random.spread(10, 5_000) }
    case 13:
      return { atMs, kind: 'start by hand', app: random.pick(apps).name }
    default:
      return {
        atMs,
        kind: 'platform',
        mode: random.pick(PLATFORM_MODES),
        forMs,
        delayMs: random.spread(100, 300_000),
      }
  }
}
