import type { SessionEnd } from '@brxy/protocol'
import type { Instance } from './tunnel/instance.ts'

/** What a linker says that goes of its own accord (docs/errors.md). */
const GOODBYE = 'link/left'
const REPLACED = 'edge/replaced'

/** Whether the same linker process has just opened a new session here in its place: it is back before it was missed. */
export function isReopened({ code }: SessionEnd): boolean {
  return code === REPLACED
}

/** Whether an instance whose session has ended is gone by intention. */
export function hasLeft(phase: Instance['phase'], end: SessionEnd): boolean {
  if (!end.clean || isReopened(end)) return false
  // Its goodbye may come before anything else was said: it may have been stopping when this edge was restarted.
  return phase === 'leaving' || phase === 'draining' || phase === 'parked' || end.code === GOODBYE
}

/** What people are told of an instance that said goodbye. @param phase its last one */
export function whyLeft(phase: Instance['phase'], hasSuccessor: boolean): 'replaced' | 'idle' | 'signal' {
  if (hasSuccessor) return 'replaced'
  return phase === 'leaving' || phase === 'parked' ? 'idle' : 'signal'
}
