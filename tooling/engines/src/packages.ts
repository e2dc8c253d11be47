import { cpSync, existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly files?: readonly string[]
}

/**
 * Copies a package of this workspace, as it was built last, with all that it needs at run time, as an installation has
 * it: one `node_modules`, and another one below a package that needs a different version.
 *
 * @param from its folder here
 * @param to where it is to be
 */
export function copyWithDependencies(from: string, to: string): void {
  copyPackage(realpathSync(from), to, to, new Map())
}

/** @param shared what stands in the outermost `node_modules`: names, and from where they are */
function copyPackage(source: string, to: string, root: string, shared: Map<string, string>): void {
  const manifest: Manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  copyFiles(source, to, manifest)
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const dependency = sourceOf(name, source)
    if (shared.get(name) === dependency) continue
    const outer = shared.has(name) ? to : root
    if (outer === root) shared.set(name, dependency)
    copyPackage(dependency, join(outer, 'node_modules', name), root, shared)
  }
}

/** Ours as they are published; what else is installed as it stands. */
function copyFiles(source: string, to: string, { files }: Manifest): void {
  const isOurs = !source.includes('/node_modules/')
  const wanted = isOurs && files !== undefined ? ['package.json', ...files] : ['.']
  const filter = (path: string) => basename(path) !== 'node_modules'
  for (const name of wanted)
    if (existsSync(join(source, name)))
      cpSync(join(source, name), join(to, name), { recursive: true, filter })
}

/** Where Node would find it. */
function sourceOf(name: string, from: string): string {
  for (let folder = from; folder !== '/'; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(found)) return realpathSync(found)
  }
  throw new Error(`${from} needs ${name}, which is not installed`)
}
