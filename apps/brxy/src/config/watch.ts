import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** How often the files are looked at. */
const INTERVAL_MS = 500

/** A change that was refused is tried again after so many looks: what it names may come later. */
const RETRY_LOOKS = 10

/**
 * Hears of files whose content has changed and stays so for one look. It looks again and again instead of waiting for
 * the system's events, so that it also sees a file that was replaced, a symbolic link that points elsewhere (a mounted
 * ConfigMap), a file on a network, and never one that is half written.
 *
 * @param files that matter now, directories with the files in them; asked for at each look
 * @param onChange resolves with whether the change was taken; one that was not is offered again every five seconds
 * @returns stops it
 */
export function watchFiles(
  files: () => readonly string[],
  onChange: (isRetry: boolean) => Promise<boolean>,
): () => void {
  let known = stateOf(files())
  let seen = known
  let isRefused = false
  let looks = 0
  const tell = async (isRetry: boolean) => {
    looks = 0
    isRefused = !(await onChange(isRetry))
    // What matters now may be other files.
    if (!isRefused) known = seen = stateOf(files())
  }
  const timer = setInterval(() => {
    const state = stateOf(files())
    const isStable = state === seen
    seen = state
    if (isStable && state !== known && state !== null) {
      known = state
      void tell(false)
    } else if (isRefused && ++looks >= RETRY_LOOKS) {
      void tell(true)
    }
  }, INTERVAL_MS)
  return () => clearInterval(timer)
}

/** Content and names of all files; null while one is missing, for it may be on its way. */
function stateOf(files: readonly string[]): string | null {
  const hash = createHash('sha256')
  try {
    for (const file of files) {
      for (const path of statSync(file).isDirectory()
        ? readdirSync(file).map((name) => join(file, name))
        : [file]) {
        if (statSync(path).isFile()) hash.update(`${path}\0`).update(readFileSync(path))
      }
    }
    return hash.digest('hex')
  } catch {
    return null
  }
}
