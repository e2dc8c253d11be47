import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** How often the files are looked at. */
const INTERVAL_MS = 500

/**
 * Hears of files whose content has changed and stays so for one look. It looks again and again instead of waiting for
 * the system's events, so that it also sees a file that was replaced, a symbolic link that points elsewhere (a mounted
 * ConfigMap), a file on a network, and never one that is half written.
 *
 * @param files that matter now, directories with the files in them; asked for at each look
 * @returns stops it
 */
export function watchFiles(files: () => readonly string[], onChange: () => void): () => void {
  let known = stateOf(files())
  let seen = known
  const timer = setInterval(() => {
    const state = stateOf(files())
    const isStable = state === seen
    seen = state
    if (!isStable || state === known || state === null) return
    known = state
    onChange()
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
