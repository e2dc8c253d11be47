import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Log } from './engine.ts'

const run = promisify(execFile)

/** What `go build` may need on a busy machine of two cores. */
const BUILD_TIMEOUT_MS = 3_600_000

/** One program of a Go module that is made to be the main module, which `go install` refuses where it has replacements. */
export interface GoBuild {
  /** Names the directory in the cache: `kubernetes-1.33.4`. */
  readonly name: string
  readonly module: string
  readonly version: string
  /** The versions that stand for its local replacements, each a module's path and `VERSION` or `PATH@VERSION`. */
  readonly replace: (path: string) => string | null
  /** Packages of commands; each becomes a program of that name. */
  readonly commands: readonly string[]
}

/** What `go mod edit -json` says of a go.mod. */
interface GoMod {
  readonly Go: string
  readonly Require: readonly { Path: string; Version: string }[]
  readonly Replace: readonly { Old: { Path: string }; New: { Path: string; Version?: string } }[] | null
}

/**
 * Why a build can't be made here, or null. Debian's own Go is often too old, and none is downloaded.
 *
 * @param least as in a go.mod: `1.26`
 */
export async function missingGo(least: string): Promise<string | null> {
  const found = await go('/', ['env', 'GOVERSION']).catch(() => null)
  const remedy = `it is built with Go ${least} or later: go.dev/dl, or a newer golang package of the distribution`
  if (found === null) return `${remedy}; there is none on PATH`
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(found)?.slice(1) ?? []).map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor)
  return isEnough ? null : `${remedy}; this is ${found.trim()}`
}

/** Where the programs of a build are, whether or not they are there yet. */
export function binDirectory(name: string): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(cache, 'brxy-engines', name, 'bin')
}

/**
 * Builds the commands that are not there yet, below `${XDG_CACHE_HOME:-~/.cache}/brxy-engines/NAME/`, at low priority:
 * minutes, once for each machine.
 *
 * @throws with the end of what the compiler said
 */
export async function buildCommands(build: GoBuild, log: Log): Promise<void> {
  const bin = binDirectory(build.name)
  const wanted = unbuilt(build)
  if (wanted.length === 0) return
  const source = join(bin, '..', 'source')
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, 'go.mod'), await mainModule(build))
  for (const command of wanted) {
    log(`go build ${command} (${build.version})`)
    await go(source, ['build', '-o', `${bin}/`, command])
  }
}

/** Whether all commands of a build are there. */
export function isBuilt(build: GoBuild): boolean {
  return unbuilt(build).length === 0
}

function unbuilt({ name, commands }: GoBuild): string[] {
  return commands.filter((command) => !existsSync(join(binDirectory(name), programOf(command))))
}

export function programOf(command: string): string {
  return command.slice(command.lastIndexOf('/') + 1)
}

/** A go.mod that requires the module and what it requires; its own local replacements become published versions. */
async function mainModule({ module, version, replace }: GoBuild): Promise<string> {
  const download = JSON.parse(await go('/', ['mod', 'download', '-json', `${module}@${version}`]))
  const mod: GoMod = JSON.parse(await go('/', ['mod', 'edit', '-json', download.GoMod]))
  const lines = ['module brxy.test/engine', `go ${mod.Go}`, `require ${module} ${version}`]
  for (const { Path, Version } of mod.Require) lines.push(`require ${Path} ${Version}`)
  for (const { Old, New } of mod.Replace ?? []) {
    const instead = New.Version === undefined ? replace(Old.Path) : `${New.Path} ${New.Version}`
    if (instead !== null) lines.push(`replace ${Old.Path} => ${instead}`)
  }
  return `${lines.join('\n')}\n`
}

async function go(cwd: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', GOWORK: 'off' }
  const options = { cwd, env, timeout: BUILD_TIMEOUT_MS, maxBuffer: 64 * 1_048_576 }
  const { stdout } = await run('nice', ['-n', '10', 'go', ...args], options)
  return stdout
}
