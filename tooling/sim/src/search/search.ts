import { clone } from './clone.ts'
import { type Budget, type Lending, type Move, movesOf, RECLAIM_MS, type SearchEdge } from './lending.ts'
import { loadMachines, type SearchPuller, type SearchRequest } from './machines.ts'

export interface SearchOptions {
  readonly edges: number
  readonly slots: number
  readonly budget: Budget
  /** Where the search gives up. */
  readonly maxStates: number
}

export interface SearchReport {
  readonly edges: number
  readonly slots: number
  readonly states: number
  readonly moves: number
  /** Moves to the furthest state. */
  readonly depth: number
  /** All states that there are were seen. */
  readonly isExhausted: boolean
  /** What is wrong with a state, and the moves that lead to it. */
  readonly failure: { readonly message: string; readonly path: readonly string[] } | null
}

interface Node {
  readonly lending: Lending
  readonly move: string
  readonly parent: Node | null
  readonly depth: number
}

/** Whose dispatch it is: the brokers are copied, and their function is one for all. */
let acting: Lending | null = null

/**
 * Breadth-first through everything that can happen to a real ledger and real brokers, whatever is delayed, refused, lost
 * and taken back in between: the first state that is wrong comes with the shortest way to it.
 */
export async function search(options: SearchOptions): Promise<SearchReport> {
  let states = 0
  let moves = 0
  const start: Node = { lending: await begin(options), move: '', parent: null, depth: 0 }
  const seen = new Set([fingerprint(start.lending)])
  let level = [start]
  let depth = 0
  const report = (isExhausted: boolean, failure: SearchReport['failure']): SearchReport => {
    const { edges, slots } = options
    return { edges, slots, states: seen.size, moves, depth, isExhausted, failure }
  }
  while (level.length > 0) {
    const next: Node[] = []
    for (const node of level) {
      states++
      for (const move of movesOf(node.lending)) {
        moves++
        const lending = clone(node.lending)
        const reached = { lending, move: move.name, parent: node, depth: node.depth + 1 }
        const message = attempt(lending, move)
        if (message !== null) return report(false, { message, path: pathTo(reached) })
        const print = fingerprint(lending)
        if (seen.has(print)) continue
        seen.add(print)
        next.push(reached)
      }
      if (seen.size > options.maxStates) return report(false, null)
    }
    if (next.length > 0) depth++
    level = next
  }
  return report(states === seen.size, null)
}

async function begin({ edges, slots, budget }: SearchOptions): Promise<Lending> {
  const { Broker, HoldQueue, HoldTotal, Ledger } = await loadMachines()
  const limits = { maxHeld: 100, maxHeldBytes: 100 }
  const ledger = new Ledger(slots, RECLAIM_MS)
  ledger.setLending(true, 0)
  const makeEdge = (_: unknown, at: number): SearchEdge => ({
    name: `edge ${at + 1}`,
    broker: new Broker(new HoldQueue(limits, new HoldTotal(limits)), dispatch),
    puller: null,
    toEdge: [],
    toLinker: [],
    sent: [],
    toldDemand: 0,
    arrivals: 0,
  })
  return {
    slots,
    edges: Array.from({ length: edges }, makeEdge),
    ledger,
    running: [],
    isLending: true,
    sessions: 0,
    budget: { ...budget },
  }
}

/** A grant was spent: the request is on its way. */
function dispatch(request: SearchRequest, puller: SearchPuller): void {
  const edge = acting?.edges.find((each) => each.puller === puller)
  if (edge === undefined) throw new Error('a request was given to a session that is over')
  edge.sent.push(request)
  edge.toLinker.push({ say: 'OPEN', request })
}

/** @returns what is wrong now */
function attempt(lending: Lending, move: Move): string | null {
  acting = lending
  try {
    move.make(lending)
    tellDemand(lending)
  } catch (error) {
    return `${move.name}: ${(error as Error).message}`
  }
  return wrongWith(lending)
}

function tellDemand(lending: Lending): void {
  for (const edge of lending.edges) {
    const { count } = edge.broker.queue
    if (edge.puller === null || count === edge.toldDemand) continue
    edge.toldDemand = count
    edge.toLinker.push({ say: 'DEMAND', count })
  }
}

function wrongWith({ edges, ledger, running, slots, isLending }: Lending): string | null {
  if (running.length > slots) return `${running.length} requests run in ${slots} slots`
  if (running.length !== ledger.busy) return `the ledger counts ${ledger.busy}, and ${running.length} run`
  let isQuiet = running.length === 0 && isLending && ledger.slots > 0
  for (const { broker, puller, toEdge, toLinker, name } of edges) {
    if (puller === null || !puller.isEligible || toEdge.length > 0 || toLinker.length > 0) isQuiet = false
    if (broker.queue.count > 0 && puller?.isEligible === true && puller.grants > 0)
      return `${name} holds ${broker.queue.count} beside ${puller.grants} grants`
  }
  if (!isQuiet) return null
  // Nothing is on its way, nothing runs, and all are there: nobody may be waiting, and no slot be lost.
  const hungry = edges.find(({ broker }) => broker.queue.count > 0)
  if (hungry !== undefined) return `${hungry.name} holds a request, and nothing will ever happen`
  const lent = edges.reduce((sum, { puller }) => sum + (puller?.grants ?? 0), 0)
  return lent === ledger.slots
    ? null
    : `${lent} of ${ledger.slots} slots are lent, and nothing will ever happen`
}

/** The same for states that differ in nothing that matters: edges are alike, so that either of them may be the first. */
function fingerprint(lending: Lending): string {
  const { edges } = lending
  const straight = printOf(lending, edges)
  if (edges.length !== 2) return straight
  return [straight, printOf(lending, [edges[1], edges[0]])].sort()[0]
}

/** Turns, orders and arrivals count only by who comes first. @param edges in the order to print them */
function printOf(lending: Lending, edges: readonly SearchEdge[]): string {
  const turns = turnsOf(lending)
  const orders = edges.map(({ puller }) => puller?.order ?? 0).sort((a, b) => a - b)
  const names = new Map(edges.map(({ name }, at) => [name, `edge ${at + 1}`]))
  const running = lending.running.map((one) => ({ ...one, edge: edges.indexOf(lending.edges[one.edge]) }))
  return JSON.stringify({ ...lending, edges, running }, (key, value) => {
    if (key === '_turns' || key === 'sessions') return undefined
    if (key === 'turn') return turns.indexOf(value)
    if (key === 'order') return orders.indexOf(value)
    if (key === 'heldNext' || key === 'heldPrevious') return value?.arrival ?? null
    if (key === 'avoid') return value?.order ?? null
    if (value instanceof Map) return [...value]
    if (typeof value === 'string') return names.get(value) ?? value
    return value === Number.POSITIVE_INFINITY ? 'never' : value
  })
}

function turnsOf({ ledger }: Lending): number[] {
  const { _accounts } = ledger as unknown as {
    readonly _accounts: ReadonlyMap<string, { readonly turn: number }>
  }
  return [..._accounts.values()].map(({ turn }) => turn).sort((a, b) => a - b)
}

function pathTo(node: Node): string[] {
  const path: string[] = []
  for (let at: Node | null = node; at !== null && at.parent !== null; at = at.parent) path.unshift(at.move)
  return path
}
