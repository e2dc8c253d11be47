import type { RequestOptions } from 'node:https'

/** Where the API is reached. */
export interface Endpoint {
  readonly secure: boolean
  /** Options of each request: a socket's path, or host, port and CA, and headers. */
  readonly options: RequestOptions
}

/** A way to the API. */
export interface Transport {
  /** Where to send the next request. @throws ScalerError `scaler/unavailable` that says what is wrong and what to do */
  endpoint(signal: AbortSignal): Promise<Endpoint>
  /** The namespace that it stands for, where nobody names one. */
  namespace(signal: AbortSignal): Promise<string>
  /** The API refused the credentials: read them anew. */
  refresh(): void
  /** Frees every handle. */
  close(): Promise<void>
}
