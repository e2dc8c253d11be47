import { expect, it } from 'vitest'
import { whyNot } from './required.ts'

it('names what is no engine', async () => {
  await expect(whyNot('docker', 'docker,podman')).rejects.toThrow(
    'BRXY_REQUIRE_ENGINES names "podman"; engines are docker, swarm, compose, kubernetes, nomad',
  )
})
