import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineName } from './engine.ts'

/** The file that makes a folder an engine's. */
const MARK = 'brxy-engine'
/** So deep a test puts an engine of its own: RUN/tmp/ITS_FOLDER/dockerd. */
const DEPTH = 3

/** A folder below which an engine was started. */
export interface EngineFolder {
  readonly dir: string
  readonly name: EngineName
}

/** Makes a folder that is an engine's: whoever finds it can take down what runs below it. */
export function makeEngineFolder(dir: string, name: EngineName): void {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, MARK), name)
}

/** All of them below a directory, the one that was started last first: it may use what another one has made. */
export function engineFolders(root: string): readonly EngineFolder[] {
  return foldersBelow(root, DEPTH)
    .filter((dir) => existsSync(join(dir, MARK)))
    .map((dir) => ({ dir, madeNs: statSync(join(dir, MARK), { bigint: true }).mtimeNs }))
    .sort((a, b) => Number(b.madeNs - a.madeNs))
    .map(({ dir }) => ({ dir, name: readFileSync(join(dir, MARK), 'utf8') as EngineName }))
}

/** An engine's own folders are its own affair. */
function foldersBelow(dir: string, depth: number): string[] {
  if (depth === 0 || existsSync(join(dir, MARK))) return []
  const folders = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.flatMap(({ name }) => [join(dir, name), ...foldersBelow(join(dir, name), depth - 1)])
}
