import type { EdgeEvent } from '@brxy/edge'
import type { OptionChange } from '@brxy/options/describe'

/** What the command line has to say beside what happens at the edge. */
export type LogEvent =
  | EdgeEvent
  | { readonly type: 'reloaded'; readonly changes: readonly OptionChange[] }
  /** The configuration is as it was. `problems` are lines for people. */
  | { readonly type: 'reload-failed'; readonly problems: readonly string[] }
  | { readonly type: 'config-warning'; readonly problem: string }
