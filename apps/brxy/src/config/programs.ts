import { basename } from 'node:path'
import { type Environment, type Keys, resolveConfig } from '@brxy/options'
import { APP_OPTIONS, type LaunchPlace, launchPlace, lookUpProgram, SHELL_OPTIONS } from '@brxy/scaler-shell'
import type { Settings } from './load.ts'

/** A program that a command names, and that is not there. */
export interface MissingProgram {
  readonly keys: Keys
  readonly message: string
}

/**
 * Looks for the programs that the apps' commands name: the first word and, of `brxy link … -- program`, the
 * application's. It is no mistake if one is missing, for the edge may run elsewhere, and it may come later.
 *
 * @param shell options of the shell scaler, as its adapter gets them
 * @param env what launches inherit
 */
export function missingPrograms(apps: Settings['apps'], shell: unknown, env: Environment): MissingProgram[] {
  const common = resolveConfig(SHELL_OPTIONS, shell)
  const lookUp = remembering()
  return Object.entries(apps).flatMap(([app, { scaler }]) => {
    if (scaler?.name !== 'shell') return []
    const options = resolveConfig(APP_OPTIONS, scaler.options)
    // What a shell reads is a language of its own.
    if (options.shell) return []
    const place = launchPlace(options, common, env)
    return programsOf(options.command).flatMap((at) => {
      const message = lookUp(options.command[at], place)
      return message === null ? [] : [{ keys: ['apps', app, 'scaler', 'shell', 'command', at], message }]
    })
  })
}

/** Which words are programs. */
function programsOf(command: readonly string[]): number[] {
  const name = basename(command[0])
  if (name !== 'brxy-link' && !(name === 'brxy' && command[1] === 'link')) return [0]
  const at = command.indexOf('--') + 1
  return at === 0 || at === command.length ? [0] : [0, at]
}

/** Thousands of apps mostly name the same few. */
function remembering(): typeof lookUpProgram {
  const known = new Map<string, string | null>()
  return (program, place: LaunchPlace) => {
    const key = JSON.stringify([program, place])
    let message = known.get(key)
    if (message === undefined) {
      message = lookUpProgram(program, place)
      known.set(key, message)
    }
    return message
  }
}
