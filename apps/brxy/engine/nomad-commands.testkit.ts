import { readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NOMAD_PROGRAM } from '@brxy-tooling/engines'
import { runToEnd } from '@brxy-tooling/testkit'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PROGRAMS = [join(ROOT, 'node_modules/.bin'), dirname(NOMAD_PROGRAM), process.env.PATH]

/** A line that a file of examples/nomad says to type, in a comment or in a block of code. @throws unless one matches */
export function shippedCommand(file: string, pattern: RegExp): string {
  const text = readFileSync(join(ROOT, 'examples/nomad', file), 'utf8')
  const commands = text
    .split('\n')
    .map((line) => /^(?:#? {3})?((?:brxy|nomad|openssl|export) .*)/.exec(line)?.[1] ?? '')
    .filter((command) => pattern.test(command))
  if (commands.length !== 1) throw new Error(`${commands.length} commands in ${file} match ${pattern}`)
  return commands[0]
}

/**
 * Types a line at the root of this repository, with brxy and nomad on the PATH.
 *
 * @param env what they find Nomad by, and what else they read
 * @returns what it prints
 * @throws with what it says if any program of it fails
 */
export async function typeCommand(line: string, env: Readonly<Record<string, string>>): Promise<string> {
  const words = ['-o', 'pipefail', '-c', line]
  const { code, stdout, stderr } = await runToEnd('bash', words, {
    cwd: ROOT,
    env: { ...env, PATH: PROGRAMS.join(delimiter) },
  })
  if (code !== 0) throw new Error(`${line}: status ${code}: ${stderr}${stdout}`)
  return stdout
}
