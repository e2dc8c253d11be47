import { join } from 'node:path'
import { binDirectory, type GoBuild, programOf } from '../go-build.ts'

const VERSION = '2.40.3'
const COMMAND = 'github.com/docker/compose/v2/cmd'

/** Its go.mod asks for 1.24.9: the next one is surely enough. */
export const LEAST_GO = '1.25'

/** Docker Compose, as a Go module: Debian's docker.io has no such plugin, and its docker-compose is the one before, in Python. */
export const COMPOSE_BUILD: GoBuild = {
  name: `compose-${VERSION}`,
  module: 'github.com/docker/compose/v2',
  version: `v${VERSION}`,
  replace: () => null,
  commands: [COMMAND],
}

/** The plugin of the docker command. */
export const COMPOSE_PROGRAM = join(binDirectory(COMPOSE_BUILD.name), programOf(COMMAND))
