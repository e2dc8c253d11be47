import type { TimerWheel } from '@brxy/protocol/transport'
import type { EdgeEvent } from './event.ts'
import type { HoldTotal } from './hold/queue.ts'
import type { Scalers } from './scale/scalers.ts'

/** What all apps of an edge have in common. */
export interface AppEnvironment {
  readonly total: HoldTotal
  readonly wheel: TimerWheel
  /** Wall-clock time, for what the calendar decides. */
  readonly epochMs: () => number
  readonly emit: (event: EdgeEvent) => void
  readonly newLaunchId: () => string
  readonly scalers: Scalers
  /** Linkers whose session was lost redial spread over this time. */
  readonly reconnectSpreadMs: () => number
  /** Whether another edge scales, and hears what is held here. */
  readonly isReporting: () => boolean
  /** What is held, or who is there, may be different from now on. */
  readonly onChange: () => void
}
