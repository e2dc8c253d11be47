import { spawnSync } from 'node:child_process'

/**
 * Whether a program that a test talks to is installed. A missing one is said aloud and its tests are skipped; with
 * BRXY_REQUIRE_PEERS=1 (CI) it is a failure.
 */
export function hasPeer(command: string): boolean {
  const found = spawnSync('/bin/sh', ['-c', `command -v ${command}`]).status === 0
  if (found) return true
  if (process.env.BRXY_REQUIRE_PEERS === '1')
    throw new Error(`${command} is not installed, and BRXY_REQUIRE_PEERS=1`)
  process.stderr.write(`SKIPPED: tests with ${command}, which is not installed\n`)
  return false
}
