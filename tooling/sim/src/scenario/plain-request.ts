import type { RequestPlan } from './scenario.ts'

/** A request with nothing special about it, from a client of its own, whose number is the request's. */
export function plainRequest(
  plan: Pick<RequestPlan, 'id' | 'app' | 'atMs' | 'edge' | 'serviceMs'>,
): RequestPlan {
  return {
    ...plan,
    client: plan.id,
    method: 'GET',
    bodyBytes: 0,
    isChunked: false,
    uploadPauseMs: 0,
    responseBytes: 100,
    framing: 'length',
    responsePauseMs: 0,
    misdeed: null,
    leaveAfterMs: -1,
    dawdleMs: 0,
  }
}
