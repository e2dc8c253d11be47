import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Adapter, Adapters } from '@brxy/edge'
import { type Keys, type OptionsError, wrongAt } from '@brxy/options'
import { isBrxyError } from '@brxy/protocol'
import type { Scaler } from '@brxy/scaler'
import { loadScaler } from '../scalers.ts'
import type { Settings } from './load.ts'

/** Where this brxy is, for launches to find on their PATH. */
const BIN = dirname(fileURLToPath(new URL('../../bin/brxy', import.meta.url)))

/**
 * Loads the adapters that the apps name, and has them check their options.
 *
 * @param directory of the configuration file: relative names of adapters and directories start there
 * @param onError hears of each mistake, with the keys to its place
 */
export async function adaptersFor(
  { apps, scalers }: Settings,
  directory: string,
  onError: (error: OptionsError) => void,
): Promise<Adapters> {
  const checker = new Checker(onError)
  const adapters: Record<string, Adapter> = {}
  try {
    for (const [app, { scaler, perHost }] of Object.entries(apps)) {
      if (scaler === undefined) continue
      const { name } = scaler
      const keys = ['apps', app, 'scaler', name]
      if (!Object.hasOwn(adapters, name)) {
        const adapter = await load(name, scalers[name], directory).catch((error) =>
          checker.report(error, keys),
        )
        if (adapter === undefined) continue
        adapters[name] = adapter
        checker.add(name, adapter)
      }
      checker.check(name, perHost ? 'localhost' : app, scaler.options, keys)
    }
  } finally {
    await checker.close()
  }
  for (const name of Object.keys(scalers)) {
    if (Object.hasOwn(adapters, name)) continue
    onError(wrongAt(['scalers', name], `no app uses the scaler "${name}"; remove this or give it to an app`))
  }
  return adapters
}

async function load(name: string, given: unknown, directory: string): Promise<Adapter> {
  const factory = await loadScaler(name, directory)
  // Its templates stand beside the file that names them.
  if (name === 'kubectl') return { factory, options: { directory, ...(given ?? {}) }, isLocal: false }
  if (name !== 'shell') return { factory, options: given ?? {}, isLocal: false }
  const { cwd, ...own } = (given ?? {}) as { cwd?: unknown }
  return {
    factory,
    options: {
      // This brxy is the one that launches find.
      pathPrefix: BIN,
      cwd: typeof cwd === 'string' ? resolve(directory, cwd) : (cwd ?? directory),
      ...own,
    },
    isLocal: true,
  }
}

/** Asks each adapter about the options of its apps, without an edge. */
class Checker {
  readonly #onError: (error: OptionsError) => void
  readonly #scalers = new Map<string, Scaler>()
  /** Adapters may count on having one. */
  #stateDir: string | null = null

  constructor(onError: (error: OptionsError) => void) {
    this.#onError = onError
  }

  add(name: string, { factory, options }: Adapter): void {
    this.#stateDir ??= mkdtempSync(join(tmpdir(), 'brxy-check-'))
    const host = { owner: 'brxy check', stateDir: this.#stateDir, changed: () => {}, log: () => {} }
    this.#attempt(['scalers', name], () => this.#scalers.set(name, factory(options, host)))
  }

  check(name: string, route: string, options: unknown, keys: Keys): void {
    this.#attempt(keys, () => this.#scalers.get(name)?.app(route, options))
  }

  report(error: unknown, keys: Keys): undefined {
    // Adapters are anybody's: a plain Error is an adapter's complaint, too.
    if (!(error instanceof Error) && !isBrxyError(error)) throw error
    // The message names the place in the adapter's own words; its keys are relative to the adapter's section.
    const {
      path = '',
      keys: inner = [],
      code,
      message,
    } = error as Error & { path?: string; keys?: Keys; code?: string }
    const detail = path !== '' && message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message
    // The place of an unknown option is its key.
    const kind = code === 'options/unknown' ? code : 'options/invalid'
    this.#onError(wrongAt([...keys, ...inner], detail, { code: kind, cause: error }))
  }

  async close(): Promise<void> {
    for (const scaler of this.#scalers.values()) await scaler.close()
    if (this.#stateDir !== null) rmSync(this.#stateDir, { recursive: true, force: true })
  }

  #attempt(keys: Keys, run: () => unknown): void {
    try {
      run()
    } catch (error) {
      this.report(error, keys)
    }
  }
}
