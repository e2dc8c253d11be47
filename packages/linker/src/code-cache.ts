import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Script } from 'node:vm'

/** Nobody but this user could have written it. */
const OTHERS_MAY_WRITE = 0o022

type ModuleFunction = (exports: object, require: (id: string) => unknown, module: object) => void

interface Loaded {
  readonly source: Buffer
  readonly script: Script
  readonly module: { exports: object }
  /** What V8 had made of it before was there, and of use. */
  readonly wasCached: boolean
}

/**
 * Loads CommonJS files of one folder, with what V8 made of them the last time: of a start 10 ms in 26 (docs/performance.md).
 * Node 20 has nothing for it; later versions only by a variable or for all modules of a process. Each file is in the function
 * `(exports, require, module) => {}` already: to put it there would copy all of it once more.
 *
 * A cache file is the source and V8's data behind it. V8 itself refuses the data of another version or with other flags, but
 * knows the source by its length alone: so it is compared byte by byte.
 */
export class CodeCache {
  readonly #folder: string
  readonly #cache: string | undefined
  readonly #require: (id: string) => unknown
  readonly #loaded = new Map<string, Loaded>()

  /**
   * @param folder of the files, which require each other as `./name` and nothing else but what Node has
   * @param require for what Node has
   * @param cache folder for the data, made when it is first written; undefined: there is none
   */
  constructor(folder: string, require: (id: string) => unknown, cache: string | undefined) {
    this.#folder = folder
    this.#cache = cache
    this.#require = require
  }

  /** What require() would return. */
  load(name: string): unknown {
    const known = this.#loaded.get(name)
    if (known !== undefined) return known.module.exports
    const file = join(this.#folder, name)
    const source = readFileSync(file)
    const cachedData = this.#read(name, source)
    const script = new Script(source.toString(), {
      filename: file,
      ...(cachedData === undefined ? {} : { cachedData }),
    })
    const wasCached = cachedData !== undefined && script.cachedDataRejected === false
    const module = { exports: {} }
    this.#loaded.set(name, { source, script, module, wasCached })
    const require = (id: string) => (id.startsWith('./') ? this.load(basename(id)) : this.#require(id))
    ;(script.runInThisContext() as ModuleFunction)(module.exports, require, module)
    return module.exports
  }

  isLoaded(name: string): boolean {
    return this.#loaded.has(name)
  }

  /** Whether it was loaded from what was kept. */
  isCached(name: string): boolean {
    return this.#loaded.get(name)?.wasCached === true
  }

  /** Keeps for the next time what V8 has made of the files by now: for the end of a process, for it takes a moment. */
  save(): void {
    if (this.#cache === undefined) return
    for (const [name, { source, script, wasCached }] of this.#loaded) {
      if (wasCached) continue
      const file = join(this.#cache, name)
      const temporary = `${file}.${process.pid}`
      try {
        mkdirSync(this.#cache, { recursive: true, mode: 0o700 })
        writeFileSync(temporary, Buffer.concat([source, script.createCachedData()]), {
          mode: 0o600,
          flush: true,
        })
        renameSync(temporary, file)
      } catch {
        return // A home that cannot be written: without a cache it works as well.
      }
    }
  }

  #read(name: string, source: Buffer): Buffer | undefined {
    if (this.#cache === undefined) return undefined
    let fd: number
    try {
      fd = openSync(join(this.#cache, name), 'r')
    } catch {
      return undefined
    }
    try {
      const { uid, mode } = fstatSync(fd)
      if (uid !== process.getuid?.() || (mode & OTHERS_MAY_WRITE) !== 0) return undefined
      const kept = readFileSync(fd)
      const isSame = kept.length > source.length && source.equals(kept.subarray(0, source.length))
      return isSame ? kept.subarray(source.length) : undefined
    } finally {
      closeSync(fd)
    }
  }
}

/**
 * Where a user's caches are kept (XDG Base Directory Specification); undefined if that cannot be told, or is not wanted
 * (NODE_DISABLE_COMPILE_CACHE, as for Node's own).
 */
export function cacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME, HOME, NODE_DISABLE_COMPILE_CACHE } = env
  if (NODE_DISABLE_COMPILE_CACHE === '1') return undefined
  const base = XDG_CACHE_HOME?.startsWith('/')
    ? XDG_CACHE_HOME
    : HOME?.startsWith('/')
      ? join(HOME, '.cache')
      : undefined
  return base === undefined ? undefined : join(base, 'brxy', `${process.version}-${process.arch}`)
}
