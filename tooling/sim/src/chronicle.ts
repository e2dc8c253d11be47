import type { EdgeEvent } from '@brxy/edge'
import { isPartOf } from './actors/body.ts'
import type { SimProcess } from './machine/process.ts'
import type { RequestPlan } from './scenario/scenario.ts'

/** How a request ended, as its client saw it. */
export type Outcome =
  /** A whole response. */
  | { readonly kind: 'answered'; readonly status: number; readonly code: string | null }
  /** The connection ended before a whole response had come. */
  | { readonly kind: 'aborted'; readonly hadHead: boolean }
  /** The client left. */
  | { readonly kind: 'left' }
  /** There was nobody to connect to. */
  | { readonly kind: 'unreachable' }

/** What is known of one request. */
export interface RequestRecord {
  readonly plan: RequestPlan
  sentAtMs: number
  /** Where applications began to work on it, in order. */
  readonly executions: string[]
  outcome: Outcome | null
  outcomeAtMs: number
  /** Events of edges about it. */
  reports: number
  /** The client has sent all of its body. */
  isUploaded: boolean
}

/** Something that was done to the world, and may be the cause of what follows. */
export interface Cause {
  readonly atMs: number
  readonly what: string
}

/** A tunnel that an edge has said WELCOME on. */
export interface Welcome {
  readonly tunnel: number
  readonly atMs: number
}

/**
 * What really happened, written down by those whom nobody deceives: the clients, the applications, and the faults
 * themselves. The invariants are judged by it.
 */
export class Chronicle {
  readonly requests = new Map<number, RequestRecord>()
  readonly causes: Cause[] = []
  /** What was found to be wrong; the first one ends the run. */
  readonly violations: { readonly invariant: string; readonly message: string }[] = []
  /** How often what happened: the "sometimes" of a proof that is not vacuous. */
  readonly counts = new Map<string, number>()

  /** Invariants that are about where a request is begun, told when it is. */
  readonly onBegun: ((id: number, application: string) => void)[] = []
  /** Since somebody looked last. */
  readonly justBegun: number[] = []
  readonly justEnded: number[] = []
  /** By linker: its tunnels on which an edge has said GO since it asked there for a successor. */
  readonly mayGo = new Map<string, Set<number>>()
  /** By linker: the edge processes that it has told that it is parked. */
  readonly parked = new Map<string, Set<SimProcess>>()
  /** By linker: the tunnel on which each edge process has welcomed it last, and when. */
  readonly welcomes = new Map<string, Map<SimProcess, Welcome>>()
  /** Apps whose queue was full at some time. */
  readonly wasFull = new Set<string>()

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  violated(invariant: string, message: string): void {
    this.violations.push({ invariant, message })
  }

  caused(what: string, atMs: number): void {
    this.causes.push({ what, atMs })
    this.count(`fault: ${what}`)
  }

  misdeed(what: string, atMs: number): void {
    this.caused(`application: ${what}`, atMs)
  }

  // --- from clients ---

  sent(plan: RequestPlan, atMs: number): void {
    this.requests.set(plan.id, {
      plan,
      sentAtMs: atMs,
      executions: [],
      outcome: null,
      outcomeAtMs: -1,
      reports: 0,
      isUploaded: plan.bodyBytes === 0,
    })
  }

  ended(id: number, outcome: Outcome, atMs: number): void {
    const record = this.of(id)
    if (record.outcome !== null) {
      this.violated('one outcome', `request ${id}: ${outcome.kind} after ${record.outcome.kind}`)
      return
    }
    record.outcome = outcome
    record.outcomeAtMs = atMs
    this.justEnded.push(id)
    this.count(`client: ${outcome.kind}`)
    if (outcome.kind === 'answered' && outcome.code !== null) this.count(outcome.code.split(' ')[0])
  }

  /** Bytes of a response reached the client. */
  delivered({ id, responseBytes }: RequestPlan, offset: number, bytes: Buffer): void {
    if (offset + bytes.length > responseBytes || !isPartOf(id, true, offset, bytes))
      this.violated('a prefix', `request ${id}: foreign bytes in the response from ${offset} on`)
  }

  // --- from applications ---

  began(id: number, instance: string): void {
    const { executions } = this.of(id)
    if (executions.push(instance) > 1) this.count('request: begun again')
    this.justBegun.push(id)
    for (const watch of this.onBegun) watch(id, instance)
  }

  uploaded({ id, bodyBytes }: RequestPlan, offset: number, bytes: Buffer): void {
    if (offset + bytes.length > bodyBytes || !isPartOf(id, false, offset, bytes))
      this.violated('a prefix', `request ${id}: foreign bytes in the upload from ${offset} on`)
  }

  uploadEnded({ id, bodyBytes }: RequestPlan, size: number): void {
    if (size !== bodyBytes)
      this.violated('a prefix', `request ${id}: its body of ${bodyBytes} bytes looks complete after ${size}`)
    else if (!this.of(id).isUploaded)
      this.violated(
        'a prefix',
        `request ${id}: its body looks complete, and the client has not sent all of it`,
      )
  }

  answered(id: number): void {
    this.of(id)
    this.count('application: answered')
  }

  // --- from edges ---

  edgeEvent(event: EdgeEvent): void {
    this.count(event.type === 'left' ? `left: ${event.reason}` : `edge: ${event.type}`)
  }

  of(id: number): RequestRecord {
    const record = this.requests.get(id)
    if (record === undefined) throw new Error(`nobody has sent request ${id}`)
    return record
  }
}
