import { ScalerError } from '@brxy/scaler'
import type { Status } from '../objects.ts'

/** An answer of the API that is no success. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** Of HTTP. */
  readonly httpStatus: number
  readonly status: Status

  constructor(httpStatus: number, status: Status, what: string) {
    super(`${what}: ${httpStatus} ${status.message ?? status.reason ?? 'without a reason'}`)
    this.httpStatus = httpStatus
    this.status = status
  }

  /** Whether the same request may succeed later. */
  get isTransient(): boolean {
    return this.httpStatus === 429 || this.httpStatus >= 500
  }
}

/** Whether the API answered with this status. */
export function isStatus(error: unknown, httpStatus: number): error is ApiError {
  return error instanceof ApiError && error.httpStatus === httpStatus
}

/** What a caller of the adapter is told of an error of a request. */
export function scalerError(error: unknown, signal: AbortSignal): ScalerError {
  if (error instanceof ScalerError) return error
  if (signal.aborted) return new ScalerError('scaler/aborted', 'the call was aborted', { cause: error })
  const message = error instanceof Error ? error.message : String(error)
  const isDenied = isStatus(error, 401) || isStatus(error, 403)
  return new ScalerError(isDenied ? 'scaler/denied' : 'scaler/unavailable', message, { cause: error })
}
