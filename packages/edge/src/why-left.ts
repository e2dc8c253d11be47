import type { Instance } from './tunnel/instance.ts'

/** What people are told of an instance that said goodbye. @param phase its last one */
export function whyLeft(phase: Instance['phase'], isReplaced: boolean): 'replaced' | 'idle' | 'signal' {
  if (isReplaced) return 'replaced'
  return phase === 'leaving' || phase === 'parked' ? 'idle' : 'signal'
}
