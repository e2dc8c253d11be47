import { isBrxyError } from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import { messageOf } from '../message-of.ts'

/**
 * What it means for the launches of a call to a scaler that the call was rejected: nothing is known of them, so they have
 * failed. Credentials that the platform refuses are the operator's to mend and come with a code; everything else may be
 * over by the next attempt, and an adapter's plain error says no more than that.
 *
 * @param error whatever the adapter rejected with; its message is for the operator
 */
export function problemOfRejection(error: unknown): Problem {
  const code = isBrxyError(error) && error.code === 'scaler/denied' ? 'denied' : 'unavailable'
  return { code, message: messageOf(error), final: true }
}
