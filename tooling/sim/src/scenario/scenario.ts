import type { NetworkProfile } from '../network/network.ts'

/**
 * A history before it happens: who asks for what and when, how applications and platform behave, and what goes wrong. It
 * is plain data, made by chance from a seed (generate.ts), kept as JSON when it fails, and shrunk by leaving things out.
 * Together with the seed, of which delays are made, it decides everything.
 */
export interface Scenario {
  readonly seed: number
  readonly edges: number
  readonly network: NetworkProfile
  readonly apps: readonly AppPlan[]
  /** Those of one connection follow one another on it. */
  readonly requests: readonly RequestPlan[]
  readonly faults: readonly Fault[]
  /** From here on nothing goes wrong any more, and all that did is repaired. */
  readonly healAtMs: number
}

/** One app: what is configured for it, and what its application is like. */
export interface AppPlan {
  readonly name: string
  /** S: requests that an instance takes at a time. */
  readonly slots: number
  /** Requests that the application really works on at a time; more wait inside of it. */
  readonly threads: number
  readonly min: number
  readonly max: number
  readonly holdMs: number
  readonly patienceMs: number
  readonly startTimeoutMs: number
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  readonly queueRequests: number
  readonly responseMs: number
  readonly idleMs: number
  readonly drainMs: number
  readonly lostMs: number
  readonly abortLingerMs: number
  /** From its start to listening. */
  readonly startMs: number
  /** It keeps connections for so long; 0: it closes each after its response. */
  readonly keepAliveMs: number
  /** It goes on computing when its client has closed the connection. */
  readonly ignoresClose: boolean
  /** It does not heed SIGTERM. */
  readonly ignoresTerm: boolean
  /** How the platform runs it; left out: named. */
  readonly platform?: PlatformKind
  /** Head start of its urgent requests, which have a path of their own; left out: none are urgent. */
  readonly urgentMs?: number
}

/**
 * named: each launch is an instance of its own, and exits when it leaves. counted: so many replicas, and what exits starts
 * again, so those that leave park; the platform removes whom it is told to. ordered: likewise, but it removes the highest.
 */
export type PlatformKind = 'named' | 'counted' | 'ordered'

/** What an application does with a request, other than answer it. */
export type Misdeed =
  /** Its process ends. */
  | 'crash'
  /** It closes the connection without an answer. */
  | 'close'
  /** It answers as soon as it has the head. */
  | 'early'
  /** Its body is shorter than it said. */
  | 'short'
  /** It never answers. */
  | 'hang'
  /** What it sends is no HTTP. */
  | 'garbage'

export interface RequestPlan {
  readonly id: number
  readonly atMs: number
  readonly edge: number
  readonly app: string
  /** Which client; its connection is kept from request to request where that is possible. */
  readonly client: number
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly bodyBytes: number
  readonly isChunked: boolean
  /** Between two pieces of the request body. */
  readonly uploadPauseMs: number
  /** The application computes for so long. */
  readonly serviceMs: number
  readonly responseBytes: number
  readonly framing: 'length' | 'chunked' | 'close'
  /** Between two pieces of the response body. */
  readonly responsePauseMs: number
  readonly misdeed: Misdeed | null
  /** What the response says of how many requests the application wants (`Brxy-Slots`); '' or left out: nothing. */
  readonly slotsField?: string
  /** Its app gives it a head start, if it gives one; left out: no. */
  readonly isUrgent?: boolean
  /** The client leaves after so long; -1: it stays. */
  readonly leaveAfterMs: number
  /** The client reads nothing for so long after the head of the response. */
  readonly dawdleMs: number
}

/** Something that goes wrong. `which` chooses among those that there are at that time. */
export type Fault = {
  readonly atMs: number
} /** Half: the linker hears a RST, and the edge hears nothing any more. */ & (
  | { readonly kind: 'cut tunnel'; readonly which: number; readonly how: 'fin' | 'rst' | 'half' }
  /** Nothing arrives; afterwards all does, late. */
  | {
      readonly kind: 'silence tunnel'
      readonly which: number
      readonly way: 'to edge' | 'to linker' | 'both'
      readonly forMs: number
    }
  /** Machines that cannot reach the others: those of instances, every `which`-th, or the edge. */
  | {
      readonly kind: 'partition'
      readonly whom: 'instances' | 'edge'
      readonly which: number
      readonly forMs: number
    }
  | {
      readonly kind: 'pause'
      readonly whom: 'edge' | 'linker' | 'application'
      readonly which: number
      readonly forMs: number
    }
  | { readonly kind: 'kill'; readonly whom: 'linker' | 'application'; readonly which: number }
  /** An application accepts no connections for a while; those that it has go on. */
  | { readonly kind: 'deaf'; readonly which: number; readonly forMs: number }
  /** The machine of an instance loses its power. */
  | { readonly kind: 'vanish'; readonly which: number }
  /** SIGKILL; another one starts in its place. */
  | { readonly kind: 'kill edge'; readonly which: number; readonly downMs: number }
  /** SIGTERM; another one starts in its place. */
  | { readonly kind: 'stop edge'; readonly which: number; readonly downMs: number }
  /** SIGTERM to a linker: it drains. */
  | { readonly kind: 'terminate'; readonly which: number; readonly isTwice: boolean }
  /** SIGHUP to a linker: somebody wants it replaced. */
  | { readonly kind: 'hang up'; readonly which: number }
  /** An application says on the control socket how many requests it wants. */
  | { readonly kind: 'put slots'; readonly which: number; readonly slots: number }
  | {
      readonly kind: 'jump clock'
      readonly whom: 'edge' | 'linker'
      readonly which: number
      readonly byMs: number
    }
  /** Somebody starts an instance by hand. */
  | { readonly kind: 'start by hand'; readonly app: string }
  /** How the platform is for a while, for launches and calls that fall into it. */
  | {
      readonly kind: 'platform'
      readonly mode: PlatformMode
      readonly forMs: number
      /** Of what is slow, and of what comes late. */
      readonly delayMs: number
    }
)

export type PlatformMode =
  /** Calls take so long. */
  | 'slow calls'
  /** Calls fail, and nothing happened. */
  | 'failing calls'
  /** Calls are carried out and their answer is lost. */
  | 'lost answers'
  /** Instances start so late. */
  | 'slow starts'
  /** What is started never connects. */
  | 'never connects'
  /** The application ends before it listens. */
  | 'crashing starts'
  /** One launch becomes two processes. */
  | 'duplicates'
  /** Instances are listed as ended, with a reason. */
  | 'refused starts'
