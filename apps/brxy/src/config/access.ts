import { dirname, isAbsolute, resolve } from 'node:path'
import { EDGE_OPTIONS } from '@brxy/edge'
import { collect, defineOptions, type Environment, type Options } from '@brxy/options'
import { Report, readSource } from './report.ts'

/** What a command must know of an edge's configuration to ask it something. */
const ACCESS = defineOptions({
  admin: EDGE_OPTIONS.admin,
  secret: EDGE_OPTIONS.secret,
  stateDir: EDGE_OPTIONS.stateDir,
})

/**
 * Reads how a running edge is reached. Whatever else is wrong in the file is for the edge to say.
 *
 * @param file null: only variables and defaults
 * @throws ConfigError, OptionsError
 */
export function readAccess(file: string | null, env: Environment): Options<typeof ACCESS> {
  const source = file === null ? null : readSource(file, env)
  const directory = file === null ? '.' : dirname(resolve(file))
  const report = new Report(source)
  const whole = (source?.value ?? {}) as Readonly<Record<string, unknown>>
  const part = Object.fromEntries(Object.keys(ACCESS).map((name) => [name, whole[name]]))
  const { values, source: from } = collect(ACCESS, { file: part, env, directory, onError: report.add })
  report.throwIfAny()
  const { stateDir } = values
  const isOfFile = from.stateDir === 'file' && stateDir !== undefined && !isAbsolute(stateDir)
  return isOfFile ? { ...values, stateDir: resolve(directory, stateDir) } : values
}
