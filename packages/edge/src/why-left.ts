import type { SessionEnd } from '@brxy/protocol'
import type { Instance } from './tunnel/instance.ts'

/** What a linker says that goes of its own accord (docs/errors.md). */
const GOODBYE = 'link/left'

/** Whether an instance whose session has ended is gone by intention. */
export function hasLeft(phase: Instance['phase'], end: SessionEnd): boolean {
  if (!end.clean) return false
  // Its goodbye may come before anything else was said: it may have been stopping when this edge was restarted.
  return phase === 'leaving' || phase === 'draining' || phase === 'parked' || end.code === GOODBYE
}

/** What people are told of an instance that said goodbye. @param phase its last one */
export function whyLeft(phase: Instance['phase'], isReplaced: boolean): 'replaced' | 'idle' | 'signal' {
  if (isReplaced) return 'replaced'
  return phase === 'leaving' || phase === 'parked' ? 'idle' : 'signal'
}
