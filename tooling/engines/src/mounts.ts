import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Undoes all mounts below a directory, the innermost first; what is in use goes with its last user. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`))
  // One of them may be gone with another one.
  for (const path of mounts.reverse()) await run('umount', ['-l', path]).catch(() => {})
}
