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

/** Starts an engine below a temporary directory. @throws if the machine lacks something */
export async function startEngine(name: EngineName): Promise<StartedEngine> {
  const dir = mkdtempSync(join(tmpdir(), `brxy-${name}-`))
  const env = await bringUp(name, dir)
  const stop = async () => {
    await (await engine(name))?.down(dir)
    rmSync(dir, { recursive: true, force: true })
  }
  return { dir, env, stop }
}

/** Builds what is not built, and starts it below an empty directory, which is gone if that fails. @returns its environment */
export async function bringUp(name: EngineName, dir: string): Promise<StartedEngine['env']> {
  const quiet = () => {}
  try {
    const found = await engine(name)
    const missing = found === null ? 'there is no code for it yet' : await found.missing()
    if (found === null || missing !== null) throw new Error(`${name}: ${missing}`)
    await found.build(quiet)
    return await found.up(dir, quiet)
  } catch (error) {
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
}
