import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const exec = promisify(execFile)
/** A command of these may import an image of 100 MB on a busy machine. */
const COMMAND_MS = 120_000

/** Runs a command to its end. @returns what it printed. @throws with what it wrote to stderr */
export async function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { timeout: COMMAND_MS, maxBuffer: 16 * 1024 * 1024, env: { ...process.env, ...env } }
  const { stdout } = await exec(file, args, options)
  return stdout
}
