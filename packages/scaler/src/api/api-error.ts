import { ScalerError } from '../error.ts'

/** An answer that was no success: the platform's own words, in which an operator can search. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** 400 to 599. */
  readonly status: number
  /** What was asked: `GET /v1/jobs`; empty for an error that came in the middle of a success. */
  readonly what: string
  /** The answer's JSON; undefined if it was none. */
  readonly body: unknown
  /** The pause that the platform asks for (Retry-After, RFC 9110 10.2.3, in seconds); undefined: it asks for none. */
  readonly retryAfterMs: number | undefined

  constructor(
    status: number,
    message: string,
    more: {
      readonly what?: string
      readonly body?: unknown
      readonly retryAfterMs?: number | undefined
    } = {},
  ) {
    super(message)
    this.status = status
    this.what = more.what ?? ''
    this.body = more.body
    this.retryAfterMs = more.retryAfterMs
  }

  /** The platform refuses these credentials, or what they are good for. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403
  }
}

/** Whether the API answered with this status. */
export function isStatus(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status
}

/**
 * What the caller of an adapter is told of an error: an answer that nobody expected means that nothing is known, and the
 * edge tells one that is `scaler/denied` from one that may be better soon.
 *
 * @returns other errors as they are
 */
export function scalerErrorOf(error: unknown, platform: string): unknown {
  if (!(error instanceof ApiError)) return error
  const { what, status, message, isDenied } = error
  const text = `${platform}: ${what === '' ? '' : `${what}: `}${status} ${message}`
  return new ScalerError(isDenied ? 'scaler/denied' : 'scaler/unavailable', text, { cause: error })
}
