import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { missingForDockerd, startDockerdInItsNetwork, stopDockerd } from '../docker/dockerd.ts'
import type { Engine } from '../engine.ts'
import { buildCommands, isBuilt, missingGo } from '../go-build.ts'
import { isOnPath } from '../on-path.ts'
import { COMPOSE_BUILD, COMPOSE_PROGRAM, LEAST_GO } from './program.ts'

/**
 * `docker compose` and a dockerd that gives what its files ask for: networks of containers, which find each other by name,
 * and published ports. Those are in a network of its own, where 8080 is free whatever runs on this machine.
 */
export const compose: Engine = {
  name: 'compose',

  async missing() {
    const missing = await missingForDockerd()
    if (missing !== null) return missing
    for (const [command, name] of [
      ['nsenter', 'util-linux'],
      ['iptables', 'iptables'],
      ['curl', 'curl'],
    ] as const) {
      if (!isOnPath(command)) return `${command} is missing: apt-get install ${name}`
    }
    return existsSync(COMPOSE_PROGRAM) ? null : missingGo(LEAST_GO)
  },

  isBuilt: () => isBuilt(COMPOSE_BUILD),

  build: (log) => buildCommands(COMPOSE_BUILD, log),

  async up(dir, log) {
    try {
      const host = await startDockerdInItsNetwork(dir)
      // Where the docker command finds its plugins, besides those of the machine.
      const config = join(dir, 'config')
      mkdirSync(join(config, 'cli-plugins'), { recursive: true })
      symlinkSync(COMPOSE_PROGRAM, join(config, 'cli-plugins', 'docker-compose'))
      log(`dockerd answers at ${host}, with docker compose`)
      return { DOCKER_HOST: host, DOCKER_CONFIG: config }
    } catch (error) {
      await stopDockerd(dir)
      throw error
    }
  },

  down: stopDockerd,
}
