import { isBrxyError } from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import { messageOf } from '../message-of.ts'

/** By the code of the error. */
const CODES: ReadonlyMap<string, Problem['code']> = new Map([
  ['scaler/denied', 'denied'],
  ['scaler/invalid', 'invalid'],
])

/**
 * What it means for the launches of a call to a scaler that the call was rejected: nothing is known of them, so they have
 * failed. What the operator has to mend comes with a code: credentials that the platform refuses, a workload that is not
 * there. Everything else may be over by the next attempt, and an adapter's plain error says no more than that.
 *
 * @param error whatever the adapter rejected with; its message is for the operator
 */
export function problemOfRejection(error: unknown): Problem {
  const code = isBrxyError(error) ? CODES.get(error.code) : undefined
  return { code: code ?? 'unavailable', message: messageOf(error), final: true }
}
