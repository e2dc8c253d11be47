import { readFile } from 'node:fs/promises'
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A change to one file of the product, as it is built. */
export interface Patch {
  /** The end of its path, such as `packages/edge/dist/broker.js`. */
  readonly file: string
  /** Occurs there exactly once. */
  readonly search: string
  readonly replacement: string
}

/** What the product gets instead of what it asks for. */
const STAND_INS: Readonly<Record<string, string>> = {
  'node:net': '../node/net.js',
  'node:http': '../node/http.js',
  'node:crypto': '../node/crypto.js',
  'node:fs/promises': '../node/fs-promises.js',
  'node:timers/promises': '../node/timers-promises.js',
  ws: '../node/ws.js',
  jose: '../node/jose.js',
}

/** The product: the packages as they are built. */
const PRODUCT = /\/packages\/(?:edge|linker|protocol|http1|options|scaler)\/dist\//

/** What is done to the product while it is loaded. */
export interface HookData {
  /** What a planted bug changes. */
  readonly patches: readonly Patch[]
  /** Files whose private fields become ordinary ones, so that states can be copied and compared (search/). */
  readonly opened: readonly string[]
}

let data: HookData = { patches: [], opened: [] }

// These run on a thread of their own, on behalf of module.register() (main.ts).

export const initialize: InitializeHook<HookData> = (given) => {
  data = given
}

export const resolve: ResolveHook = (specifier, context, next) => {
  const standIn = STAND_INS[specifier]
  if (standIn === undefined || !PRODUCT.test(context.parentURL ?? '')) return next(specifier, context)
  return { url: new URL(standIn, import.meta.url).href, shortCircuit: true }
}

export const load: LoadHook = async (url, context, next) => {
  const patches = data.patches.filter(({ file }) => url.endsWith(`/${file}`))
  const isOpened = data.opened.some((file) => url.endsWith(`/${file}`))
  if (patches.length === 0 && !isOpened) return next(url, context)
  const built = await readFile(fileURLToPath(url), 'utf8')
  const patched = patches.reduce((source, patch) => apply(patch, source), built)
  return { format: 'module', source: isOpened ? open(patched) : patched, shortCircuit: true }
}

/** @throws if the text is not there exactly once: the file has changed, and the patch has to follow */
export function apply({ file, search, replacement }: Patch, source: string): string {
  const parts = source.split(search)
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} times, not once: ${search}`)
  }
  return parts.join(replacement)
}

/** Private names become ordinary ones. */
function open(source: string): string {
  return source.replaceAll(/#(?=[a-zA-Z])/g, '_')
}
