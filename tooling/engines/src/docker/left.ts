import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './run.ts'

/** A container of a service that was removed ends a moment later. */
const END_MS = 30_000
const POLL_MS = 100

/**
 * What a file of tests has left in a dockerd that the next one uses, and removes it: containers, and services of a Swarm.
 *
 * @returns their names, or null
 */
export async function removeLeft(env: Readonly<Record<string, string>>): Promise<string | null> {
  const list = async (...words: string[]) => (await run('docker', words, env)).split('\n').filter(Boolean)
  const isSwarm = (await list('info', '--format', '{{.Swarm.LocalNodeState}}'))[0] === 'active'
  const services = isSwarm ? await list('service', 'ls', '--format', '{{.Name}}') : []
  if (services.length > 0) await run('docker', ['service', 'rm', ...services], env)
  const containers = () => list('ps', '--all', '--format', '{{.Names}}')
  const endMs = performance.now() + END_MS
  let left = await containers()
  while (left.length > 0 && isSwarm && performance.now() < endMs) {
    await sleep(POLL_MS)
    left = await containers()
  }
  if (left.length > 0) await run('docker', ['rm', '--force', '--volumes', ...left], env)
  const all = [...services, ...left]
  return all.length === 0 ? null : all.join(', ')
}
