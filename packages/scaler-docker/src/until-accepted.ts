import { setTimeout as sleep } from 'node:timers/promises'
import { ScalerError } from '@brxy/scaler'

/** A call is answered after so long although an image is still being pulled. */
const ACCEPT_MS = 5_000

/**
 * Waits for what was begun, no longer than is good for whoever waits: what is left goes on, and ends in `changed`.
 *
 * @throws what one of them rejected with meanwhile; `scaler/aborted`
 */
export async function untilAccepted(begun: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const all = Promise.all(begun)
  // Nobody may be listening any more when the last of them rejects.
  all.catch(() => {})
  try {
    await Promise.race([all, sleep(ACCEPT_MS, undefined, { signal: AbortSignal.any([signal, over.signal]) })])
  } catch (error) {
    if (!signal.aborted) throw error
    throw new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
  } finally {
    over.abort()
  }
}
