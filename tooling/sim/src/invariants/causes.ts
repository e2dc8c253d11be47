import type { Chronicle, Outcome, RequestRecord } from '../chronicle.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** The longest that something done to the world may take to show: the longest stop, and what follows from it. */
const REACH_MS = 180_000
/** Clocks differ, wheels turn in ticks of 20 ms. */
const TOLERANCE_MS = 200
/** A connection that an application keeps for less than the linker's pool does may be closed just when it is used. */
const POOL_MS = 1_100

const BROKEN =
  /^(tunnel|partition|pause|kill|stop edge|vanish|deaf|terminate|removed|hang up|platform: duplicate)/
const LAUNCH =
  /^(platform|kill|vanish|partition|tunnel|pause|terminate|removed|application: crash|start by hand|stop edge|hang up|put slots)/

/** Whatever does not go well for a client has a cause that somebody wrote down: nothing fails by itself. */
export const causes: Invariant = {
  name: 'every failure has a cause',
  watch(simulation) {
    const { chronicle, onEdgeEvent } = simulation
    onEdgeEvent.push((edge, event) => {
      if (event.type !== 'request' || event.error !== 'edge/hold-full') return
      const held = edge.status().apps.find(({ app }) => app === event.app)?.held.count ?? 0
      if (held >= simulation.plan(event.app).queueRequests) chronicle.wasFull.add(event.app)
    })
  },
  check(simulation) {
    const { chronicle } = simulation
    for (const id of chronicle.justEnded.splice(0)) {
      const record = chronicle.of(id)
      const { outcome } = record
      if (outcome === null || isExplained(simulation, record, outcome)) continue
      const what = outcome.kind === 'answered' ? `${outcome.status} ${outcome.code}` : outcome.kind
      return `request ${id} (${record.plan.method}) ended with ${what}, and nothing was done to it`
    }
    return null
  },
}

function isExplained(simulation: Simulation, record: RequestRecord, outcome: Outcome): boolean {
  const { chronicle } = simulation
  const plan = simulation.plan(record.plan.app)
  const { misdeed } = record.plan
  const tookMs = record.outcomeAtMs - record.sentAtMs + TOLERANCE_MS
  const was = (pattern: RegExp) => hasCause(chronicle, record, pattern)
  switch (outcome.kind) {
    case 'left':
      return true
    case 'unreachable':
      return was(/^(kill edge|stop edge)/)
    case 'aborted':
      return (
        misdeed === 'short' ||
        misdeed === 'early' ||
        was(BROKEN) ||
        was(/^(application: crash|start by hand)/)
      )
    case 'answered':
      break
  }
  switch (outcome.code?.split(' ')[0]) {
    case undefined:
      return outcome.status === 200
    case 'edge/hold-timeout':
      return tookMs >= plan.holdMs * 0.99
    case 'edge/response-timeout':
      return tookMs >= plan.responseMs * 0.99
    case 'edge/hold-full':
      return chronicle.wasFull.has(plan.name)
    case 'edge/cannot-start':
      return was(LAUNCH)
    case 'edge/draining':
      return was(/^stop edge/)
    case 'edge/tunnel-lost':
      // One that crashes takes its linker along. What has not reached that is sent again, what has may have been served.
      return was(BROKEN) || was(/^(application: crash|start by hand)/)
    case 'edge/app-closed':
      return (
        misdeed === 'crash' ||
        misdeed === 'close' ||
        misdeed === 'short' ||
        was(/^application: crash/) ||
        was(BROKEN) ||
        (plan.keepAliveMs > 0 && plan.keepAliveMs <= POOL_MS)
      )
    case 'edge/app-protocol':
      return misdeed === 'garbage'
    case 'edge/app-incomplete':
      return misdeed === 'short' || was(/^application: crash/)
    case 'edge/head-timeout':
    case 'edge/body-timeout':
      return was(/^(pause|partition)/)
    default:
      return false
  }
}

function hasCause({ causes }: Chronicle, { outcomeAtMs, sentAtMs }: RequestRecord, pattern: RegExp): boolean {
  return causes.some(
    ({ atMs, what }) => atMs <= outcomeAtMs && atMs >= sentAtMs - REACH_MS && pattern.test(what),
  )
}
