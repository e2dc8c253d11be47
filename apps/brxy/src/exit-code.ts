/** Exit codes of every command (sysexits.h where it has one). docs/cli.md lists them. */
export const EXIT = {
  CLEAN: 0,
  BUG: 1,
  USAGE: 2,
  UNAVAILABLE: 69,
  TOKEN_REFUSED: 77,
  BAD_CONFIG: 78,
} as const

/** The exit code for an error that a package of ours has thrown. */
export function exitCodeOf(code: string): number {
  if (code.startsWith('options/') || code === 'edge/bad-address' || code === 'edge/bad-host')
    return EXIT.USAGE
  if (code === 'config/invalid') return EXIT.BAD_CONFIG
  if (code === 'edge/address-in-use' || code === 'admin/unreachable') return EXIT.UNAVAILABLE
  if (code === 'edge/bad-secret' || code === 'edge/advertise-required') return EXIT.BAD_CONFIG
  if (code.startsWith('scaler/')) return EXIT.UNAVAILABLE
  return EXIT.BUG
}
