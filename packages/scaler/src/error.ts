const BRAND: unique symbol = Symbol.for('brxy.error')

/**
 * unavailable: the platform did not answer or cannot now. denied: it refused the adapter's credentials. invalid: what the
 * options name is not there, or is none that can be scaled. aborted: the caller's signal fired. closed: the adapter was
 * closed before. state: its state directory cannot be used.
 * not-a-scaler: a module that was loaded as an adapter is none.
 */
export type ScalerErrorCode =
  | 'scaler/unavailable'
  | 'scaler/denied'
  | 'scaler/invalid'
  | 'scaler/aborted'
  | 'scaler/closed'
  | 'scaler/state'
  | 'scaler/not-a-scaler'

/**
 * Why a call to an adapter concluded nothing. A launch that failed is no such error but an instance with a problem.
 *
 * Branded with `Symbol.for('brxy.error')`, as every brxy error: each adapter may bring its own copy of this package, so
 * match the code, never the class.
 */
export class ScalerError extends Error {
  override readonly name = 'ScalerError'
  readonly [BRAND] = true
  readonly code: ScalerErrorCode
  /** Whether the same call may succeed later. */
  readonly retryable: boolean

  constructor(
    code: ScalerErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? (code === 'scaler/unavailable' || code === 'scaler/aborted')
  }
}
