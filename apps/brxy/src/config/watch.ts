import { createHash } from 'node:crypto'
import { type BigIntStats, readdirSync, readFileSync, statSync } from 'node:fs'
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
  const watched = new Files()
  let known = watched.look(files())
  let seen = known
  let isRefused = false
  let looks = 0
  const tell = async (isRetry: boolean) => {
    looks = 0
    isRefused = !(await onChange(isRetry))
    // What matters now may be other files.
    if (!isRefused) known = seen = watched.look(files())
  }
  const timer = setInterval(() => {
    const state = watched.look(files())
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

/**
 * Names and content of files. What is read is not small (certificates, pages) and is read where requests are served, so
 * files are only read when the file system says that something about them is new.
 */
class Files {
  #stamp = ''
  #state: string | null = null
  /** Read a whole look after the stamp was first seen: clocks of file systems tick more slowly than files change. */
  #isSettled = false

  /** @returns the same text for the same names and content; null while a file is missing, for it may be on its way */
  look(names: readonly string[]): string | null {
    try {
      const files = names.flatMap(filesAt)
      const stamp = files.map(stampOf).join('\n')
      const isSame = stamp === this.#stamp
      if (isSame && this.#isSettled) return this.#state
      this.#isSettled = isSame
      this.#stamp = stamp
      const hash = createHash('sha256')
      for (const { path } of files) hash.update(`${path}\0`).update(readFileSync(path))
      this.#state = hash.digest('hex')
    } catch {
      this.#stamp = ''
      this.#state = null
    }
    return this.#state
  }
}

interface File {
  readonly path: string
  readonly stats: BigIntStats
}

/** The file of that name, or those in the directory. @throws if there is none */
function filesAt(name: string): File[] {
  const stats = statSync(name, { bigint: true })
  const found = stats.isDirectory()
    ? readdirSync(name)
        .map((each) => join(name, each))
        .map((path) => ({ path, stats: statSync(path, { bigint: true }) }))
    : [{ path: name, stats }]
  return found.filter((file) => file.stats.isFile())
}

/** Whatever writes to a file or puts another in its place changes one of these. */
function stampOf({ path, stats: { dev, ino, size, mtimeNs, ctimeNs } }: File): string {
  return `${path}\0${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
}
