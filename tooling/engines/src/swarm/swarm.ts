import { randomInt } from 'node:crypto'
import { missingForDockerd, startDockerd, stopDockerd } from '../docker/dockerd.ts'
import { removeLeft } from '../docker/left.ts'
import { run } from '../docker/run.ts'
import type { Engine } from '../engine.ts'
import { freePorts } from '../ports.ts'

/** A Swarm of one node, beside any other: its gossip port, 7946, is not to be chosen, so its loopback address is. */
export const swarm: Engine = {
  name: 'swarm',
  missing: missingForDockerd,
  isBuilt: () => true,
  async build() {},
  async up(dir, log) {
    try {
      const host = await startDockerd(dir)
      const [port] = await freePorts(1)
      const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}:${port}`
      const where = ['--advertise-addr', address, '--listen-addr', address]
      await run('docker', ['swarm', 'init', ...where], { DOCKER_HOST: host })
      log(`a Swarm of one node answers at ${host}`)
      return { DOCKER_HOST: host }
    } catch (error) {
      await stopDockerd(dir)
      throw error
    }
  },
  removeLeft,
  down: stopDockerd,
}
