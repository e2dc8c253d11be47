import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineName } from './engine.ts'
import { engine } from './engines.ts'

/** An engine for the tests of one file. */
export interface StartedEngine {
  /** Below it is all that the engine has. */
  readonly dir: string
  /** In which its client, and the adapter, find it. */
  readonly env: Readonly<Record<string, string>>
  /** Takes it down, without a trace. */
  stop(): Promise<void>
}

/** Builds what is not built, and starts it below a temporary directory. @throws if the machine lacks something */
export async function startEngine(name: EngineName): Promise<StartedEngine> {
  const found = await engine(name)
  const missing = found === null ? 'there is no code for it yet' : await found.missing()
  if (found === null || missing !== null) throw new Error(`${name}: ${missing}`)
  const quiet = () => {}
  await found.build(quiet)
  const dir = mkdtempSync(join(tmpdir(), `brxy-${name}-`))
  const remove = () => rmSync(dir, { recursive: true, force: true })
  try {
    const env = await found.up(dir, quiet)
    const stop = async () => {
      await found.down(dir)
      remove()
    }
    return { dir, env, stop }
  } catch (error) {
    remove()
    throw error
  }
}
