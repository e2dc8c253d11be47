import type { Engine } from '../engine.ts'
import { missingForDockerd, startDockerd, stopDockerd } from './dockerd.ts'
import { removeLeft } from './left.ts'

/** A dockerd of package docker.io, beside any other. */
export const docker: Engine = {
  name: 'docker',
  missing: missingForDockerd,
  isBuilt: () => true,
  async build() {},
  async up(dir, log) {
    try {
      const host = await startDockerd(dir)
      log(`dockerd answers at ${host}`)
      return { DOCKER_HOST: host }
    } catch (error) {
      await stopDockerd(dir)
      throw error
    }
  },
  removeLeft,
  down: stopDockerd,
}
