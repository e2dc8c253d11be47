/** Errors of a linker, each with its cause and what to do. docs/errors.md is compared with it. */
export const LINKER_ERRORS = {
  'link/bad-edge': 'The edge address is no `host:port`, `ws://` or `wss://` URL.',
  'link/no-route': 'The linker does not know which app it belongs to. Set `--route`, BRXY_ROUTE or ROUTE.',
  'link/no-command': 'There is neither a command to start nor an application to attach to (`--to`).',
  'link/bad-target': '`--to` is no `host:port`.',
  'link/token-file': 'The file that BRXY_TOKEN_FILE names cannot be read.',
  'link/unreachable': 'The edge could not be reached. The linker tries again with pauses.',
  'link/refused': 'The edge answered the dial with something else than an upgrade. Check the port.',
  'link/app-argv-empty': 'The command of the application is empty.',
  'link/app-not-found': 'The command of the application does not exist on PATH.',
  'link/app-not-executable': 'The command of the application cannot be executed.',
  'link/no-free-port': 'No free port for the application was found between 20000 and 32767.',
} as const
