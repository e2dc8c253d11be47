import { posix } from 'node:path'
import { importsOf, packageOf } from './imports.ts'
import type { Package, SourceFile } from './tree.ts'

/** Which of our packages a published package may import. One that is not listed may import none. */
const MAY_IMPORT: readonly [importer: RegExp, imported: RegExp][] = [
  [/^brxy$/, /^@brxy\/(edge|linker|scaler|scaler-[a-z]+|http1|protocol|options)$/],
  [/^@brxy\/edge$/, /^@brxy\/(http1|protocol|scaler|options)$/],
  [/^@brxy\/linker$/, /^@brxy\/(http1|protocol|options)$/],
  [/^@brxy\/scaler-[a-z]+$/, /^@brxy\/(scaler|options)$/],
]

/** Dependencies that no source names, because the name is put together at run time (apps/brxy/src/scalers.ts). */
const LOADED_BY_NAME: Readonly<Record<string, readonly string[]>> = {
  brxy: ['@brxy/scaler-docker', '@brxy/scaler-kubectl', '@brxy/scaler-nomad', '@brxy/scaler-shell'],
}

/** Imports of one file that point the wrong way, each as a line that says why. */
export function wrongWay(importer: string, { path, text }: SourceFile, folder: string): string[] {
  const allowed = MAY_IMPORT.find(([name]) => name.test(importer))?.[1]
  const found: string[] = []
  for (const { specifier } of importsOf(text)) {
    const name = packageOf(specifier)
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(path), specifier)
      if (!target.startsWith(`${folder}/src/`))
        found.push(`${path}: ${specifier} is outside of the package's src`)
      else if (/\.(test|testkit)\.ts$/.test(target)) found.push(`${path}: ${specifier} is not published`)
    } else if (
      name !== null &&
      /^(@brxy\/|@brxy-tooling\/|brxy$)/.test(name) &&
      allowed?.test(name) !== true
    ) {
      found.push(`${path}: ${importer} must not import ${name}`)
    }
  }
  return found
}

/** Where a package.json and the sources disagree about dependencies. */
export function wrongDependencies({ manifest, sources }: Pick<Package, 'manifest' | 'sources'>): string[] {
  const { name, dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest
  const declared = new Set(Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }))
  const imported = new Set(LOADED_BY_NAME[name])
  const found: string[] = []
  for (const { path, text } of sources) {
    for (const { specifier } of importsOf(text)) {
      const dependency = packageOf(specifier)
      if (dependency === null) continue
      imported.add(dependency)
      if (!declared.has(dependency)) found.push(`${path}: ${dependency} is no dependency of ${name}`)
    }
  }
  for (const dependency of declared)
    if (!imported.has(dependency)) found.push(`${name} depends on ${dependency} and never imports it`)
  return found
}
