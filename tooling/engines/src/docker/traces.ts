import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.ts'

/** What dockerd leaves outside of the directories that it is given, the innermost first. */
const FILES = ['/etc/docker/key.json']
const FOLDERS = [
  '/run/docker/plugins',
  '/run/docker/swarm',
  '/run/docker',
  '/run/containerd/s',
  '/run/containerd',
]
/** The bridge that a Swarm makes for its tasks, whether or not one uses it. */
const BRIDGE = 'docker_gwbridge'
const FORWARDING = '/proc/sys/net/ipv4/ip_forward'
const RECORD = 'absent-before.json'

interface Before {
  readonly absent: readonly string[]
  readonly forwarding: string
}

/** Remembers below `dir` what this machine did not have before. */
export function recordTraces(dir: string): void {
  const absent = [...FILES, ...FOLDERS, bridgePath()].filter((path) => !existsSync(path))
  const before: Before = { absent, forwarding: readFileSync(FORWARDING, 'utf8') }
  writeFileSync(join(dir, RECORD), JSON.stringify(before))
}

/** Removes what was not there before; a folder that somebody else uses by now is left. */
export async function removeTraces(dir: string): Promise<void> {
  const record = join(dir, RECORD)
  if (!existsSync(record)) return
  const { absent, forwarding } = JSON.parse(readFileSync(record, 'utf8')) as Before
  if (absent.includes(bridgePath()) && existsSync(bridgePath())) await run('ip', ['link', 'delete', BRIDGE])
  if (readFileSync(FORWARDING, 'utf8') !== forwarding) writeFileSync(FORWARDING, forwarding)
  for (const file of FILES) if (absent.includes(file)) rmSync(file, { force: true })
  for (const folder of FOLDERS) if (absent.includes(folder)) removeEmpty(folder)
  rmSync(record)
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error
  }
}

function bridgePath(): string {
  return `/sys/class/net/${BRIDGE}`
}
