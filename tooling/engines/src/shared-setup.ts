import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineName } from './engine.ts'
import { engine } from './engines.ts'
import { RUN } from './shared.ts'

/** vitest's `globalSetup`, around all files of a run. @returns what takes all engines down that they shared */
export default function shareEngines(): () => Promise<void> {
  const run = mkdtempSync(join(tmpdir(), 'brxy-engines-'))
  process.env[RUN] = run
  return async () => {
    for (const entry of readdirSync(run, { withFileTypes: true }))
      if (entry.isDirectory()) await (await engine(entry.name as EngineName))?.down(join(run, entry.name))
    rmSync(run, { recursive: true, force: true })
  }
}
