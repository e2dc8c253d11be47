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

let patch: Patch | null = null

// These run on a thread of their own, on behalf of module.register() (main.ts).

export const initialize: InitializeHook<Patch | null> = (given) => {
  patch = given
}

export const resolve: ResolveHook = (specifier, context, next) => {
  const standIn = STAND_INS[specifier]
  if (standIn === undefined || !PRODUCT.test(context.parentURL ?? '')) return next(specifier, context)
  return { url: new URL(standIn, import.meta.url).href, shortCircuit: true }
}

export const load: LoadHook = async (url, context, next) => {
  if (patch === null || !url.endsWith(`/${patch.file}`)) return next(url, context)
  return {
    format: 'module',
    source: apply(patch, await readFile(fileURLToPath(url), 'utf8')),
    shortCircuit: true,
  }
}

/** @throws if the text is not there exactly once: the file has changed, and the patch has to follow */
export function apply({ file, search, replacement }: Patch, source: string): string {
  const parts = source.split(search)
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} times, not once: ${search}`)
  }
  return parts.join(replacement)
}
