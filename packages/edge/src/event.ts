import type { Problem } from '@brxy/scaler'

/** What happens at an edge, for logs and for people who watch. Times are milliseconds. */
export type EdgeEvent =
  | {
      readonly type: 'listening'
      readonly clients: readonly string[]
      /** What is spoken at each of them. */
      readonly schemes: readonly ('http' | 'https')[]
      /** Of TCP apps, by their names. */
      readonly tcp: Readonly<Record<string, string>>
      readonly tunnel: string
      readonly admin: string
    }
  | {
      readonly type: 'launching'
      readonly app: string
      readonly copy: number
      readonly launch: string
      readonly held: number
      /** The copy whose successor it is; null: requests are held, or `min` asks for it. */
      readonly replaces: number | null
    }
  | {
      readonly type: 'launch-failed'
      readonly app: string
      readonly instance: string
      readonly launch: string
      readonly problem: Problem
      readonly retryMs: number
      readonly output?: string
    }
  /** It was asked for a while ago and no linker has connected: is there one in it? */
  | {
      readonly type: 'launch-slow'
      readonly app: string
      readonly instance: string
      readonly launch: string
      readonly tookMs: number
    }
  | {
      readonly type: 'connected'
      readonly app: string
      readonly instance: string
      readonly phase: 'starting' | 'ready' | 'parked'
    }
  | {
      readonly type: 'ready'
      readonly app: string
      readonly instance: string
      readonly slots: number
      readonly tookMs: number
    }
  /** It has stopped its application, and waits for the platform to remove it. */
  | { readonly type: 'parked'; readonly app: string; readonly instance: string }
  /** It is to start its application again. */
  | {
      readonly type: 'recalled'
      readonly app: string
      readonly instance: string
      readonly held: number
    }
  | {
      readonly type: 'left'
      readonly app: string
      readonly instance: string
      readonly reason: 'idle' | 'replaced' | 'signal' | 'failed' | 'lost'
      readonly message: string
    }
  | {
      readonly type: 'rejected'
      readonly code: string
      readonly message: string
      readonly route: string | null
    }
  /** A connection was closed that did not begin as its listener demands; rare, however often it happens. */
  | {
      readonly type: 'connection-refused'
      readonly listener: string
      readonly peer: string
      readonly code: string
      readonly message: string
      /** How many were refused since the last of these events. */
      readonly leftOut: number
    }
  | {
      readonly type: 'request'
      readonly app: string
      readonly instance: string | null
      readonly method: string
      readonly target: string
      readonly status: number
      readonly tookMs: number
      readonly heldMs: number
      readonly error: string | null
    }
  | {
      readonly type: 'output'
      readonly app: string
      readonly instance: string
      readonly stream: string
      readonly line: string
    }
  | {
      readonly type: 'scaler'
      readonly level: 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields: object
    }
  /** `keeps`: instances that go on without the edge. */
  | { readonly type: 'draining'; readonly keeps: number }
  | { readonly type: 'bug'; readonly error: unknown }
