import type { SearchBroker, SearchLedger, SearchPuller, SearchRequest } from './machines.ts'

const NOW = 0
export const RECLAIM_MS = 2_000

/** What is on its way, in order. */
type ToEdge =
  | { readonly say: 'GRANT' | 'RECLAIM'; readonly count: number }
  | { readonly say: 'REFUSE' | 'END'; readonly request: SearchRequest }
type ToLinker =
  | { readonly say: 'OPEN'; readonly request: SearchRequest }
  | { readonly say: 'RETURN' | 'DEMAND'; readonly count: number }

/** One edge: its broker, and its session with the linker. */
export interface SearchEdge {
  readonly name: string
  readonly broker: SearchBroker
  puller: SearchPuller | null
  toEdge: ToEdge[]
  toLinker: ToLinker[]
  /** Given to the session, and not answered. */
  sent: SearchRequest[]
  toldDemand: number
  arrivals: number
}

/** What may still happen: each of it so often at most, so that the search has an end. */
export interface Budget {
  requests: number
  cuts: number
  timeouts: number
  shrinks: number
  suspicions: number
  leaves: number
}

/** Some edges, one linker, and what is on its way between them. Plain data but for the real machines in it. */
export interface Lending {
  readonly slots: number
  readonly edges: SearchEdge[]
  readonly ledger: SearchLedger
  /** At the application; of a session that is over they linger. */
  running: { readonly edge: number; readonly request: SearchRequest; hasSession: boolean }[]
  isLending: boolean
  sessions: number
  readonly budget: Budget
}

/** Something that can happen next. */
export interface Move {
  readonly name: string
  readonly make: (lending: Lending) => void
}

/** Everything that can happen next. */
export function movesOf(lending: Lending): Move[] {
  const moves: Move[] = []
  const { budget, ledger } = lending
  lending.edges.forEach((edge, at) => {
    const to = (name: string, make: (lending: Lending, edge: SearchEdge) => void) =>
      moves.push({ name: `${edge.name}: ${name}`, make: (next) => make(next, next.edges[at]) })
    if (budget.requests > 0) to('a request', arrive)
    if (edge.broker.queue.first !== null) to('its client leaves', (_, { broker }) => withdrawFirst(broker))
    if (edge.toEdge.length > 0) to(`hears ${edge.toEdge[0].say}`, edgeHears)
    if (edge.toLinker.length > 0) to(`linker hears ${edge.toLinker[0].say}`, linkerHears)
    if (edge.puller === null) to('connects', connect)
    else {
      if (budget.cuts > 0) to('is cut', cut)
      if (edge.puller.isEligible && budget.suspicions > 0) to('suspects', suspect)
      if (!edge.puller.isEligible)
        to('trusts again', (_, { broker, puller }) => broker.setEligible(puller as SearchPuller, true))
    }
  })
  lending.running.forEach((_, at) => {
    moves.push({
      name: `request ${lending.running[at].request.arrival} ends`,
      make: (next) => finish(next, at),
    })
  })
  if (ledger.nextDeadline() < Number.POSITIVE_INFINITY && budget.timeouts > 0)
    moves.push({ name: 'a RECLAIM times out', make: timeOut })
  if (budget.shrinks > 0) moves.push({ name: 'one slot less', make: shrink })
  if (ledger.slots < lending.slots)
    moves.push({ name: 'all slots', make: (next) => resize(next, next.slots) })
  if (lending.isLending ? budget.leaves > 0 : true) moves.push({ name: 'leaves or stays', make: toggle })
  return moves
}

function arrive(lending: Lending, edge: SearchEdge): void {
  lending.budget.requests--
  edge.broker.submit({
    arrival: ++edge.arrivals,
    startedMs: NOW,
    priorityMs: 0,
    heldBytes: 1,
    heldSinceMs: NOW,
    holdUntilMs: NOW,
    heldNext: null,
    heldPrevious: null,
    isHeld: false,
    avoid: null,
    isPassive: false,
    wasLost: false,
  })
}

function withdrawFirst(broker: SearchBroker): void {
  broker.withdraw(broker.queue.first as SearchRequest)
}

/** The edge's end of a session (EdgeSession): what is asked for is returned at once, as far as it is there. */
function edgeHears(_: Lending, edge: SearchEdge): void {
  const message = edge.toEdge.shift() as ToEdge
  const puller = edge.puller as SearchPuller
  switch (message.say) {
    case 'GRANT':
      return edge.broker.granted(puller, message.count)
    case 'RECLAIM': {
      const count = Math.min(message.count, puller.grants)
      edge.toLinker.push({ say: 'RETURN', count })
      if (count > 0) edge.broker.ungranted(puller, count)
      return
    }
    case 'REFUSE':
      forget(edge, message.request)
      message.request.avoid = puller
      return edge.broker.resubmit(message.request)
    case 'END':
      return forget(edge, message.request)
  }
}

function linkerHears(lending: Lending, edge: SearchEdge): void {
  const { ledger } = lending
  const message = edge.toLinker.shift() as ToLinker
  switch (message.say) {
    case 'OPEN':
      if (ledger.admit(edge.name))
        lending.running.push({
          edge: lending.edges.indexOf(edge),
          request: message.request,
          hasSession: true,
        })
      else edge.toEdge.push({ say: 'REFUSE', request: message.request })
      return
    case 'RETURN':
      return say(lending, ledger.returned(edge.name, message.count, NOW))
    case 'DEMAND':
      return say(lending, ledger.demanded(edge.name, message.count, NOW))
  }
}

function connect(lending: Lending, edge: SearchEdge): void {
  edge.puller = { order: ++lending.sessions, grants: 0, isEligible: false, heapIndex: -1 }
  edge.broker.setEligible(edge.puller, true)
  edge.toldDemand = 0
  say(lending, lending.ledger.opened(edge.name, NOW))
}

/** Both ends hear of it at once; what was on its way is gone. */
function cut(lending: Lending, edge: SearchEdge): void {
  lending.budget.cuts--
  edge.toEdge = []
  edge.toLinker = []
  const at = lending.edges.indexOf(edge)
  for (const one of lending.running) if (one.edge === at) one.hasSession = false
  edge.broker.remove(edge.puller as SearchPuller)
  edge.puller = null
  for (const request of edge.sent.splice(0)) {
    if (request.wasLost) continue
    request.wasLost = true
    edge.broker.resubmit(request)
  }
  say(lending, lending.ledger.closed(edge.name, NOW))
}

function suspect(lending: Lending, { broker, puller }: SearchEdge): void {
  lending.budget.suspicions--
  broker.setEligible(puller as SearchPuller, false)
}

function finish(lending: Lending, at: number): void {
  const [{ edge, request, hasSession }] = lending.running.splice(at, 1)
  if (hasSession) lending.edges[edge].toEdge.push({ say: 'END', request })
  say(lending, lending.ledger.freed(NOW))
}

function timeOut(lending: Lending): void {
  lending.budget.timeouts--
  say(lending, lending.ledger.tick(NOW + RECLAIM_MS))
}

function shrink(lending: Lending): void {
  lending.budget.shrinks--
  resize(lending, lending.ledger.slots - 1)
}

function resize(lending: Lending, slots: number): void {
  say(lending, lending.ledger.setSlots(slots, NOW))
}

function toggle(lending: Lending): void {
  if (lending.isLending) lending.budget.leaves--
  lending.isLending = !lending.isLending
  say(lending, lending.ledger.setLending(lending.isLending, NOW))
}

function say(lending: Lending, actions: ReturnType<SearchLedger['tick']>): void {
  for (const { kind, edge: name, count } of actions) {
    const edge = lending.edges.find((each) => each.name === name)
    edge?.toEdge.push({ say: kind === 'grant' ? 'GRANT' : 'RECLAIM', count })
  }
}

function forget(edge: SearchEdge, request: SearchRequest): void {
  edge.sent = edge.sent.filter((each) => each !== request)
}
