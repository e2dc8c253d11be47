/** Errors of a linker, each with its cause and what to do. docs/errors.md is compared with it. */
export const LINKER_ERRORS = {
  'link/bad-edge': 'The edge address is no `host:port`, `ws://` or `wss://` URL.',
  'link/no-route': 'The linker does not know which app it belongs to. Set `--route`, BRXY_ROUTE or ROUTE.',
  'link/no-command': 'There is neither a command to start nor an application to attach to (`--to`).',
  'link/two-applications': 'There is a command and an application to attach to (`--to`). Give one of them.',
  'link/bad-target': '`--to` is no `host:port`.',
  'link/bad-token': 'The token contains something that no token has, such as a space or a line end.',
  'link/token-file': 'The file that BRXY_TOKEN_FILE names cannot be read.',
  'link/tls-file':
    'A file for TLS with the edge (`--edge-ca`, `--edge-cert`, BRXY_EDGE_KEY) cannot be read or used. The linker tries again, for it may be on its way.',
  'link/tls':
    'TLS with the edge failed: its certificate is not trusted, is for another name or has expired, or one of both does not speak TLS. The message says what to do.',
  'link/unreachable': 'The edge could not be reached. The linker tries again with pauses.',
  'link/refused': 'The edge answered the dial with something else than an upgrade. Check the port.',
  'link/left': 'The instance left: it was idle, was stopped by a signal, or its application ended.',
  'link/app-argv-empty': 'The command of the application is empty.',
  'link/app-not-found': 'The command of the application does not exist on PATH.',
  'link/app-not-executable': 'The command of the application cannot be executed.',
  'link/control':
    'The control socket (`--control`) cannot be made: another process listens there, something else has its name, or its folder is missing. Give another path, or a folder.',
  'link/no-free-port': 'No free port for the application was found between 20000 and 32767.',
} as const

export type LinkErrorCode = keyof typeof LINKER_ERRORS

const BRAND: unique symbol = Symbol.for('brxy.error')

/**
 * A mistake of whoever runs the linker. It carries brxy's error brand by itself, as AppError does: it is thrown before
 * the protocol package is loaded, so that the application starts as early as possible.
 */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly [BRAND] = true
  readonly code: LinkErrorCode
  /** The same attempt fails again. */
  readonly retryable = false

  /** @param message names the value that is wrong and the remedy */
  constructor(code: LinkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
