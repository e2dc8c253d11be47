import type { LifePhase } from './life/life.ts'

/** What happens at a linker, for its log. Times are milliseconds. */
export type LinkerEvent =
  | { readonly type: 'app-started'; readonly pid: number; readonly port: number }
  | { readonly type: 'listening'; readonly address: string; readonly tookMs: number }
  | { readonly type: 'connected'; readonly edge: string; readonly session: string }
  | { readonly type: 'disconnected'; readonly edge: string; readonly code: string; readonly message: string }
  | {
      readonly type: 'refused'
      readonly edge: string
      readonly code: string
      readonly message: string
      readonly isFinal: boolean
    }
  | { readonly type: 'phase'; readonly phase: LifePhase | 'replacing'; readonly reason: string }
  | { readonly type: 'bad-response'; readonly message: string }
  | { readonly type: 'unreachable' }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'bug'; readonly error: unknown }
