import type { ApiTarget } from '@brxy/scaler/api'

/** A way to the API. */
export interface Transport {
  /** Where to send the next request. @throws ScalerError `scaler/unavailable` that says what is wrong and what to do */
  target(signal: AbortSignal): Promise<ApiTarget>
  /** The namespace that it stands for, where nobody names one. */
  namespace(signal: AbortSignal): Promise<string>
  /** The API refused the credentials: read them anew. */
  refresh(): void
  /** Frees every handle. */
  close(): Promise<void>
}
