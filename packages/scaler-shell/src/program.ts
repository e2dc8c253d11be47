import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { directoryOf, FALLBACK_PATH, launchEnvironment } from './environment.ts'
import type { AppOptions, ShellOptions } from './options.ts'

/** Where the command of a launch would look for programs. */
export interface LaunchPlace {
  /** Absolute. */
  readonly cwd: string
  readonly path: string
}

/**
 * Where launches of an app would run, and with which PATH.
 *
 * @param inherited the environment of the edge, such as `process.env`
 */
export function launchPlace(
  { cwd, env }: AppOptions,
  shell: ShellOptions,
  inherited: Readonly<Record<string, string | undefined>>,
): LaunchPlace {
  const { PATH } = launchEnvironment(inherited, env ?? {}, {}, shell.pathPrefix)
  return { cwd: resolve(directoryOf(shell.cwd, cwd) ?? '.'), path: PATH ?? FALLBACK_PATH }
}

/**
 * Looks for a program as execvp(3) would, without running it. What it finds may be gone when a launch looks, and the
 * other way round: this is for warnings.
 *
 * @returns null if it is there and executable, or has a `{port}` in it; else what is wrong, with the remedy
 */
export function lookUpProgram(program: string, { cwd, path }: LaunchPlace): string | null {
  if (program.includes('{port}')) return null
  const shown = JSON.stringify(program)
  const remedy = 'chmod +x it, or name its interpreter'
  if (program.includes('/')) {
    const found = kindOf(resolve(cwd, program))
    if (found === 'absent') return `${shown} is not there${program.startsWith('/') ? '' : ` in ${cwd}`}`
    if (found === 'directory') return `${shown} is not executable: it is a directory`
    return found === 'program' ? null : `${shown} is not executable; ${remedy}`
  }
  // An empty entry is the current directory (POSIX 8.3).
  const kinds = path.split(':').map((directory) => kindOf(resolve(cwd, directory, program)))
  if (kinds.includes('program')) return null
  return kinds.includes('file')
    ? `${shown} is found on PATH, but is not executable; ${remedy}`
    : `${shown} is not found on PATH; install it, or give its path`
}

function kindOf(file: string): 'absent' | 'directory' | 'file' | 'program' {
  try {
    if (statSync(file).isDirectory()) return 'directory'
  } catch {
    return 'absent'
  }
  try {
    accessSync(file, constants.X_OK)
    return 'program'
  } catch {
    return 'file'
  }
}
