import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineName } from './engine.ts'
import { engine } from './engines.ts'
import { RUN } from './run.ts'
import { bringUp, type StartedEngine, startEngine } from './started.ts'

/** What is known of one that the run shares: how clients find it, or why it is not there. */
type Known = { readonly env: StartedEngine['env'] } | { readonly error: string }

const asked: Partial<Record<EngineName, Promise<Known>>> = {}

/**
 * The engine that the files of a run share: the first one that asks brings it up, the end of the run takes it down.
 * A file works with names of its own, and leaves nothing of them: its stop() fails otherwise. Files run one after the other.
 *
 * @throws if the machine lacks something, or it did not start: then also for all who ask later
 */
export async function sharedEngine(name: EngineName): Promise<StartedEngine> {
  const run = process.env[RUN]
  if (run === undefined) return startEngine(name)
  const dir = join(run, name)
  const file = join(run, `${name}.json`)
  // Tests of one file that run beside each other may be the first to ask.
  asked[name] ??= existsSync(file)
    ? Promise.resolve(JSON.parse(readFileSync(file, 'utf8')))
    : first(name, dir)
  const known = await asked[name]
  writeFileSync(file, JSON.stringify(known))
  if ('error' in known) throw new Error(`${name} did not start in this run: ${known.error}`)
  const { env } = known
  const stop = async () => {
    const left = await (await engine(name))?.removeLeft?.(env)
    if (typeof left === 'string') throw new Error(`this file has left in ${name}: ${left}`)
  }
  return { dir, env, stop }
}

async function first(name: EngineName, dir: string): Promise<Known> {
  try {
    return { env: await bringUp(name, dir) }
  } catch (error) {
    return { error: `${error}` }
  }
}
