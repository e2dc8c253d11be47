import type { Ledger } from '@brxy/linker'

// The state machines of the search, with their private fields opened by the loader hook (machine/hooks.ts): states are
// copied and compared as they are, and not as somebody thinks that they are.

/** Those files. */
export const OPENED: readonly string[] = [
  'edge/dist/broker.js',
  'edge/dist/puller-heap.js',
  'edge/dist/hold/lane.js',
  'edge/dist/hold/queue.js',
  'linker/dist/ledger/ledger.js',
]

/** What is known here of a request, as the broker sees it. */
export interface SearchRequest {
  readonly arrival: number
  readonly startedMs: number
  readonly priorityMs: number
  heldBytes: number
  heldSinceMs: number
  holdUntilMs: number
  heldNext: SearchRequest | null
  heldPrevious: SearchRequest | null
  isHeld: boolean
  avoid: SearchPuller | null
  readonly isPassive: boolean
  /** Sent, and its session was lost: once is enough. */
  wasLost: boolean
}

/** A session, as the broker sees it. */
export interface SearchPuller {
  readonly order: number
  grants: number
  isEligible: boolean
  heapIndex: number
}

/** The real Broker of @brxy/edge, which is none of its exports. */
export interface SearchBroker {
  readonly queue: { readonly first: SearchRequest | null; readonly count: number }
  submit(request: SearchRequest): 'dispatched' | 'held' | 'full'
  resubmit(request: SearchRequest): void
  withdraw(request: SearchRequest): void
  granted(puller: SearchPuller, count: number): void
  ungranted(puller: SearchPuller, count: number): void
  setEligible(puller: SearchPuller, isEligible: boolean): void
  remove(puller: SearchPuller): void
}

export type SearchLedger = Ledger<string>

interface Classes {
  readonly Broker: new (
    queue: unknown,
    dispatch: (request: SearchRequest, puller: SearchPuller) => void,
  ) => SearchBroker
  readonly HoldQueue: new (limits: object, total: unknown) => unknown
  readonly HoldTotal: new (limits: object) => unknown
  readonly Ledger: new (slots: number, reclaimMs: number) => SearchLedger
}

/** The classes, as they are built. */
export async function loadMachines(): Promise<Classes> {
  const path = (name: string) => new URL(`../../../../packages/${name}.js`, import.meta.url).href
  const [{ Broker }, { HoldQueue, HoldTotal }, { Ledger: Lent }] = await Promise.all([
    import(path('edge/dist/broker')),
    import(path('edge/dist/hold/queue')),
    import(path('linker/dist/ledger/ledger')),
  ])
  return { Broker, HoldQueue, HoldTotal, Ledger: Lent }
}
