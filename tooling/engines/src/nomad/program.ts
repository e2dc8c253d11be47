import { join } from 'node:path'
import { binDirectory, type GoBuild } from '../go-build.ts'

const VERSION = '1.10.5'

/** Its own go.mod takes `api` from a directory beside it; this is the published module of the same time. */
const API = 'github.com/hashicorp/nomad/api'
const API_VERSION = 'v0.0.0-20260907080526-08ef8f3d26da'

/** What `go build` writes into the go.mod, for what Nomad's modules ask for. */
export const LEAST_GO = '1.26'

/** Nomad, as a Go module. */
export const NOMAD_BUILD: GoBuild = {
  name: `nomad-${VERSION}`,
  module: 'github.com/hashicorp/nomad',
  version: `v${VERSION}`,
  replace: (path) => (path === API ? `${API} ${API_VERSION}` : null),
  commands: ['github.com/hashicorp/nomad'],
}

/** Agent and client in one. */
export const NOMAD_PROGRAM = join(binDirectory(NOMAD_BUILD.name), 'nomad')
