import type { Engine, EngineName } from './engine.ts'

/** Each is loaded when it is asked for. */
const ENGINES: Readonly<Record<EngineName, (() => Promise<Engine>) | null>> = {
  docker: async () => (await import('./docker/docker.ts')).docker,
  swarm: async () => (await import('./swarm/swarm.ts')).swarm,
  compose: async () => (await import('./compose/compose.ts')).compose,
  kubernetes: async () => (await import('./kubernetes/kubernetes.ts')).kubernetes,
  nomad: async () => (await import('./nomad/nomad.ts')).nomad,
}

/** @returns null for one that nobody has written yet */
export async function engine(name: EngineName): Promise<Engine | null> {
  return (await ENGINES[name]?.()) ?? null
}
