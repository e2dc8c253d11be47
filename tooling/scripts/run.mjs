import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a command of this workspace (node_modules/.bin is first on PATH) with its output passed through.
 * @returns its exit code; 128 for a signal
 */
export function run(command, args, { env = {}, quiet = false, onSpawn = () => {} } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${root}node_modules/.bin:${process.env.PATH}`,
      TURBO_TELEMETRY_DISABLED: '1',
      ...env,
    },
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
  })
  onSpawn(child)
  let output = ''
  child.stdout?.on('data', (data) => (output += data))
  child.stderr?.on('data', (data) => (output += data))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 128, output }))
  })
}

/** Builds every package; quick when nothing changed. The output is shown only if it fails. */
export async function build(options = {}) {
  const { code, output } = await run('turbo', ['run', 'build', '--output-logs=errors-only', '--no-color'], {
    quiet: true,
    ...options,
  })
  if (code !== 0) process.stderr.write(output)
  return code
}
