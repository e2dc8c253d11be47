import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ScalerError } from '@brxy/scaler'
import { type JournalScope, scopeOf } from './journal.ts'

/**
 * The routes of which an owner's journals have launches, whether they still run or not: sorted, each once. The names of the
 * directories are digests, so one file of each is read.
 *
 * @throws ScalerError `scaler/state` if the directory is there and cannot be read
 */
export async function knownRoutes(stateDir: string, owner: string): Promise<string[]> {
  const routes = new Set<string>()
  for (const directory of await namesIn(stateDir)) {
    const scope = await scopeIn(join(stateDir, directory))
    if (scope?.owner === owner) routes.add(scope.route)
  }
  return [...routes].sort()
}

/** The first file that says it; null if there is none. What is no journal, or a corrupt one, is somebody else's to complain about. */
async function scopeIn(directory: string): Promise<JournalScope | null> {
  try {
    for (const name of await readdir(directory)) {
      const scope = name.endsWith('.json') ? scopeOf(await readFile(join(directory, name), 'utf8')) : null
      if (scope !== null) return scope
    }
  } catch {
    // A file, or gone meanwhile.
  }
  return null
}

async function namesIn(stateDir: string): Promise<string[]> {
  try {
    return await readdir(stateDir)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    const message = `cannot look for launches in "${stateDir}": ${(cause as Error).message}; make it readable`
    throw new ScalerError('scaler/state', message, { cause })
  }
}
