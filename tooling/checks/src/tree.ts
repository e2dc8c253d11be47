import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** A file of the repository, by its path from the root. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A package.json, as far as the checks look at it. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly license?: string
  readonly files?: readonly string[]
  readonly scripts?: Readonly<Record<string, string>>
  readonly packageManager?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** A package that users install. */
export interface Package {
  /** From the root: `packages/edge`. */
  readonly folder: string
  readonly manifest: Manifest
  /** What is published of `src`: no tests and no testkits. */
  readonly sources: readonly SourceFile[]
}

/** A text file of the repository. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every published package, with its sources. */
export function publishedPackages(): Package[] {
  const found: Package[] = []
  for (const group of ['packages', 'apps']) {
    for (const { name } of readdirSync(join(ROOT, group), { withFileTypes: true })) {
      const folder = `${group}/${name}`
      const manifest = JSON.parse(read(`${folder}/package.json`)) as Manifest
      if (manifest.private !== true) found.push({ folder, manifest, sources: sourcesOf(folder) })
    }
  }
  return found
}

/** Whether a file of `src` is left out of the package (tsconfig.build.json). */
export function isTestFile(path: string): boolean {
  return /\.(test|testkit)\.ts$/.test(path)
}

/** Files under a folder whose names match, without those that are installed or built. */
export function filesUnder(folder: string, matches: RegExp): string[] {
  const skipped = new Set(['node_modules', 'dist', '.git', '.turbo', 'coverage'])
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = relative(ROOT, join(ROOT, folder, entry.name))
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesUnder(path, matches)
    return matches.test(entry.name) ? [path] : []
  })
}

function sourcesOf(folder: string): SourceFile[] {
  return filesUnder(`${folder}/src`, /\.ts$/)
    .filter((path) => !isTestFile(path))
    .map((path) => ({ path, text: read(path) }))
}
