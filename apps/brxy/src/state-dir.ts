import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where an edge keeps its secret and its launches: systemd's StateDirectory, or the XDG state directory. */
export function defaultStateDir(env: NodeJS.ProcessEnv): string {
  const systemd = env.STATE_DIRECTORY?.split(':', 1)[0]
  if (systemd !== undefined && systemd !== '') return systemd
  const xdg = env.XDG_STATE_HOME
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.local', 'state'), 'brxy')
}
