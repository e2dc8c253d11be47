import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon, stopDaemons, untilReady } from '../daemons.ts'
import type { Engine } from '../engine.ts'
import { makeEngineFolder } from '../folder.ts'
import { buildCommands, missingGo } from '../go-build.ts'
import { unmountBelow } from '../mounts.ts'
import { freePorts } from '../ports.ts'
import { killAll, processesBelow } from '../processes.ts'
import { removeNomadGroups } from './cgroup.ts'
import { LEAST_GO, NOMAD_BUILD, NOMAD_PROGRAM } from './program.ts'

const READY_MS = 120_000
const NODE = 'node1'

/**
 * One Nomad agent, server and client in one, that runs processes as they are (raw_exec): no Docker is needed. ACLs are on;
 * NOMAD_TOKEN is the first management token.
 */
export const nomad: Engine = {
  name: 'nomad',

  async missing() {
    return existsSync(NOMAD_PROGRAM) ? null : missingGo(LEAST_GO)
  },

  isBuilt: () => existsSync(NOMAD_PROGRAM),

  build: (log) => buildCommands(NOMAD_BUILD, log),

  async up(dir, log) {
    const [http = 0, rpc = 0, serf = 0] = await freePorts(3)
    const address = `http://127.0.0.1:${http}`
    makeEngineFolder(dir, 'nomad')
    writeFileSync(join(dir, 'agent.hcl'), agentConfig(dir, { http, rpc, serf }))
    try {
      await startDaemon(dir, 'nomad', {
        argv: [NOMAD_PROGRAM, 'agent', '-config', join(dir, 'agent.hcl')],
        env: environment(),
      })
      log(`nomad: waiting for ${address}`)
      // Nobody has a token yet: that this can be said at all takes an elected leader.
      let token: string | null = null
      await untilReady(dir, 'nomad', async () => (token = await bootstrap(address)) !== null, READY_MS)
      const env = { NOMAD_ADDR: address, NOMAD_TOKEN: `${token}` }
      await untilReady(dir, 'nomad', () => isNodeReady(env), READY_MS)
      return env
    } catch (error) {
      await nomad.down(dir)
      throw error
    }
  },

  async down(dir) {
    await stopDaemons(dir)
    // They outlive the agent, for it would find them again.
    await killAll(`tasks of ${dir}`, () => processesBelow(dir))
    // A task's secrets directory is a file system of its own.
    await unmountBelow(dir)
    removeNomadGroups(allocationsIn(dir))
  },
}

/** Short: a task's API is a socket below it, and a socket's path has 107 bytes at most. */
const allocDirectory = (dir: string) => join(dir, 'a')

/** Ids of the allocations that this agent has run, and not forgotten. */
function allocationsIn(dir: string): readonly string[] {
  return existsSync(allocDirectory(dir)) ? readdirSync(allocDirectory(dir)) : []
}

/** Where AWS_CA_BUNDLE names a file that it does not like, the client does not start. */
function environment(): NodeJS.ProcessEnv {
  const { AWS_CA_BUNDLE: _, ...env } = process.env
  return env
}

function agentConfig(dir: string, ports: { http: number; rpc: number; serf: number }): string {
  return `
name = "${NODE}"
data_dir = "${join(dir, 'data')}"
bind_addr = "127.0.0.1"
log_level = "WARN"
disable_update_check = true
ports { http = ${ports.http} rpc = ${ports.rpc} serf = ${ports.serf} }
advertise { http = "127.0.0.1" rpc = "127.0.0.1" serf = "127.0.0.1" }
server {
  enabled          = true
  bootstrap_expect = 1
}
client {
  enabled           = true
  network_interface = "lo"
  alloc_dir         = "${allocDirectory(dir)}"
  servers           = ["127.0.0.1:${ports.rpc}"]
  # Its default, 30s, would cut short what a linker needs.
  max_kill_timeout  = "60s"
  # What has ended is soon forgotten, as on a busy cluster.
  gc_interval       = "10s"
  gc_max_allocs     = 200
}
acl { enabled = true }
plugin "raw_exec" {
  config { enabled = true }
}
`
}

/** @returns the management token, once there is a leader who makes it */
async function bootstrap(address: string): Promise<string | null> {
  const answer = await fetch(`${address}/v1/acl/bootstrap`, { method: 'POST' }).catch(() => null)
  if (answer === null || !answer.ok) return null
  return ((await answer.json()) as { SecretID: string }).SecretID
}

async function isNodeReady({ NOMAD_ADDR, NOMAD_TOKEN }: Record<string, string>): Promise<boolean> {
  const headers = { 'X-Nomad-Token': `${NOMAD_TOKEN}` }
  const answer = await fetch(`${NOMAD_ADDR}/v1/nodes`, { headers }).catch(() => null)
  if (answer === null || !answer.ok) return false
  const nodes = (await answer.json()) as { Status: string }[]
  return nodes.some(({ Status }) => Status === 'ready')
}
