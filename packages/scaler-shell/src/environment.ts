import { resolve } from 'node:path'

/** What `process.env` is. */
type Environment = Readonly<Record<string, string | undefined>>

/** What execvp searches where there is no PATH (POSIX leaves it to the system; these are the two that exist). */
export const FALLBACK_PATH = '/usr/bin:/bin'

// The edge's own: its BRXY_* are its options and secrets, the others are systemd's messages to it. A child that found
// them would take the edge's listening sockets for its own, or tell systemd that it is ready.
const OWN = /^(BRXY_.*|LISTEN_(FDS|PID|FDNAMES)|NOTIFY_SOCKET|WATCHDOG_(USEC|PID))$/

/**
 * The whole environment of one launch: what the edge inherited without what is the edge's own, then the app's `env`
 * option, then the launch's own variables, which nobody overrides.
 *
 * @param pathPrefix a directory to put first on PATH
 */
export function launchEnvironment(
  inherited: Environment,
  option: Environment,
  launch: Environment,
  pathPrefix: string | undefined,
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && !OWN.test(name)) environment[name] = value
  }
  for (const [name, value] of [...Object.entries(option), ...Object.entries(launch)]) {
    if (value !== undefined) environment[name] = value
  }
  if (pathPrefix !== undefined) environment.PATH = `${pathPrefix}:${environment.PATH || FALLBACK_PATH}`
  return environment
}

/** The words of a command as they are run. */
export function argvOf(words: readonly string[], isShell: boolean): readonly string[] {
  return isShell ? ['/bin/sh', '-c', words.join(' ')] : words
}

/** Where a command runs; undefined: in the directory of the edge. */
export function directoryOf(common: string | undefined, own: string | undefined): string | undefined {
  if (common === undefined || own === undefined) return own ?? common
  return resolve(common, own)
}
