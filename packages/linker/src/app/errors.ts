const BRAND: unique symbol = Symbol.for('brxy.error')

/**
 * What can be wrong with an application before it runs.
 *
 * - `link/app-argv-empty`: no command was given.
 * - `link/app-not-found`: the command, its interpreter or its working directory does not exist.
 * - `link/app-not-executable`: the command exists and could not be started.
 * - `link/no-free-port`: every port that was tried is taken.
 * - `link/control`: the socket by which the application would control its linker cannot be made.
 */
export type AppErrorCode =
  | 'link/app-argv-empty'
  | 'link/app-not-found'
  | 'link/app-not-executable'
  | 'link/no-free-port'
  | 'link/control'

// The statuses a shell gives to a command that it cannot run (POSIX.1-2017, XCU 2.8.2); 2 and 69 are
// `brxy link`'s own for usage and for something that is not available.
const EXIT_STATUS: Readonly<Record<AppErrorCode, number>> = {
  'link/app-argv-empty': 2,
  'link/app-not-found': 127,
  'link/app-not-executable': 126,
  'link/no-free-port': 69,
  'link/control': 69,
}

/**
 * An application that cannot be started.
 *
 * It carries brxy's error brand by itself instead of extending BrxyError: this folder runs before the protocol
 * package is loaded, so that the application starts as early as possible.
 */
export class AppError extends Error {
  readonly [BRAND] = true
  readonly code: AppErrorCode
  /** Whether the same start may succeed later: true when the machine is short of something, false otherwise. */
  readonly retryable: boolean
  /** The status with which `brxy link` exits because of this. */
  readonly exitStatus: number

  /** @param message names the value that is wrong and the remedy, and is shown to the operator as it is */
  constructor(code: AppErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'AppError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.exitStatus = EXIT_STATUS[code]
  }
}
