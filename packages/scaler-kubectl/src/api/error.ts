import { ScalerError } from '@brxy/scaler'
import { type ApiError, scalerErrorOf } from '@brxy/scaler/api'
import type { Status } from '../objects.ts'

/** Whether the same request may succeed later. */
export function isTransient({ status }: ApiError): boolean {
  return status === 429 || status >= 500
}

/** The API's own description of an error; what stands before it (a kubectl proxy, a load balancer) has only a text. */
export function statusIn({ body, message }: ApiError): Status {
  const status = body as Status | null | undefined
  return status?.kind === 'Status' ? status : { message }
}

/** What a caller of the adapter is told of an error of a request. */
export function scalerError(thrown: unknown, signal: AbortSignal): ScalerError {
  const error = scalerErrorOf(thrown, 'Kubernetes')
  if (signal.aborted) return new ScalerError('scaler/aborted', 'the call was aborted', { cause: error })
  if (error instanceof ScalerError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new ScalerError('scaler/unavailable', message, { cause: error })
}
