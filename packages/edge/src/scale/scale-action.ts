import type { Problem } from '@brxy/scaler'

/** What the controller wants done. */
export type ScaleAction =
  /** Call the scaler with target(); say callEnded() afterwards. At most one is out. */
  | { readonly kind: 'scale' }
  /** A launch was decided; it is in the next target. For people who watch. */
  | {
      readonly kind: 'launching'
      readonly launch: string
      readonly copy: number
      /** The copy whose successor it is; null: it is for the demand, or for `min`. */
      readonly replaces: number | null
    }
  | {
      readonly kind: 'launch-failed'
      readonly launch: string
      readonly problem: Problem
      readonly retryMs: number
    }
  /** No linker has connected for a while. For people who watch. */
  | { readonly kind: 'launch-slow'; readonly launch: string; readonly tookMs: number }
  /** No instance can come: answer every held request with the reason. */
  | { readonly kind: 'fail-held'; readonly problem: Problem; readonly retryMs: number }
  /** Answer the LEAVE, or the REPLACE, of an instance. */
  | {
      readonly kind: 'verdict'
      readonly member: string
      readonly go: boolean
      readonly on: 'leave' | 'replace'
    }
  /** Have a parked instance start again. */
  | { readonly kind: 'recall'; readonly member: string }
