import { fileURLToPath } from 'node:url'
import { BRXY, type EdgeProcess, runToEnd } from '@brxy-tooling/testkit'

const APP = fileURLToPath(new URL('app.mjs', import.meta.url))

/** The command of the test application in a mode; its settings go as arguments. */
export function nodeApp(mode: string, settings: Readonly<Record<string, string | number>> = {}): string[] {
  return [process.execPath, APP, mode, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]
}

/** `brxy link` with flags, in front of an application; `env` for what is no flag, as an edge hands on none of its own. */
export function linked(
  app: readonly string[],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): string[] {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return [...(settings.length === 0 ? [] : ['env', ...settings]), 'brxy', 'link', ...flags, '--', ...app]
}

/** A shell command as argv. */
export function shell(script: string, ...args: readonly string[]): string[] {
  return ['sh', '-c', script, 'sh', ...args]
}

/** A token for linkers of an edge, as `brxy token` makes it. */
export async function brxyToken(
  edge: EdgeProcess,
  route: string,
  ...flags: readonly string[]
): Promise<string> {
  const words = ['token', '--state-dir', edge.stateDir, '--route', route, ...flags]
  const { code, stdout, stderr } = await runToEnd(process.execPath, [BRXY, ...words])
  if (code !== 0) throw new Error(`brxy token exited with status ${code}: ${stderr}`)
  return stdout.trim()
}
