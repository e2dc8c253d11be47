import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineName } from './engine.ts'
import { bringUp, type StartedEngine, startEngine } from './started.ts'

/** In the environment: the directory below which a run of the tests has its engines. */
export const RUN = 'BRXY_ENGINES_RUN'

/**
 * The engine that the files of a run share: the first one that asks brings it up, the end of the run takes it down.
 * A file works in namespaces of its own, and leaves nothing in them. Files run one after the other.
 *
 * @throws if the machine lacks something
 */
export async function sharedEngine(name: EngineName): Promise<StartedEngine> {
  const run = process.env[RUN]
  if (run === undefined) return startEngine(name)
  const dir = join(run, name)
  const ready = join(run, `${name}.json`)
  const stop = async () => {}
  if (existsSync(ready)) return { dir, env: JSON.parse(readFileSync(ready, 'utf8')), stop }
  mkdirSync(dir)
  const env = await bringUp(name, dir)
  writeFileSync(ready, JSON.stringify(env))
  return { dir, env, stop }
}
