import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory for one test; remove() deletes it. */
export function tempDir(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'brxy-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
