import { dirname, resolve } from 'node:path'
import { type EdgeConfiguration, type EdgeSettings, loadSettings } from '@brxy/edge'
import {
  type Collected,
  collect,
  type Environment,
  type FlagTexts,
  type Keys,
  leavesOf,
  type Options,
  OptionsError,
  pathOf,
} from '@brxy/options'
import { defaultStateDir } from '../state-dir.ts'
import { adaptersFor } from './adapters.ts'
import type { ConfigProblem } from './problem.ts'
import { missingPrograms } from './programs.ts'
import { Report, readSource } from './report.ts'
import type { ConfigSource } from './source.ts'
import { SETTINGS } from './tables.ts'

export type Settings = Options<typeof SETTINGS>

/** Where settings come from. */
export interface ConfigPlaces {
  /** As it was named; null: none. */
  readonly file: string | null
  readonly flags: FlagTexts
  readonly env: Environment
  /** What stands for a file where there is none: the app of a command line. */
  readonly inline?: unknown
}

/** A configuration that was read and found good. */
export interface LoadedConfig {
  readonly collected: Collected<typeof SETTINGS>
  /** What an edge takes. */
  readonly configuration: EdgeConfiguration
  readonly settings: EdgeSettings
  readonly source: ConfigSource | null
  /** Files and directories that it was made of. */
  readonly files: readonly string[]
  /** What works and is not wise. */
  readonly warnings: readonly ConfigProblem[]
}

/**
 * Reads and checks everything that can be checked before a port is opened.
 *
 * @throws OptionsError for a flag or a variable; ConfigError with all that is wrong in the file; ScalerError
 */
export async function loadConfig(places: ConfigPlaces): Promise<LoadedConfig> {
  const { file, flags, env } = places
  const source = file === null ? null : readSource(file, env)
  const directory = file === null ? '.' : dirname(resolve(file))
  const report = new Report(source)
  const collected = collect(SETTINGS, {
    flags,
    env,
    directory,
    file: source === null ? places.inline : withoutVersion(source, report),
    onError: report.add,
  })
  const values = completed(collected, file !== null)
  const settings = await loadSettings(values, directory, report.addUnlessItFollows)
  const adapters = await adaptersFor(values, directory, report.addUnlessItFollows)
  report.throwIfAny()
  return {
    collected: { ...collected, values },
    configuration: { options: optionsOf(values), adapters, directory },
    settings,
    source,
    files: source === null ? [] : filesOf(source, values, directory, env),
    warnings:
      source === null
        ? []
        : warningsOf(source, [
            ...literalSecrets(source),
            ...unsharedSecret(values),
            ...settings.tls.warnings,
            ...missingPrograms(values.apps, adapters.shell?.options, env),
          ]),
  }
}

/** Where the edge of a configuration keeps its state. A relative name in the file starts at the file. */
export function stateDirOf({ collected, configuration }: LoadedConfig, env: Environment): string {
  const { stateDir } = collected.values
  if (stateDir === undefined) return defaultStateDir(env)
  return collected.source.stateDir === 'file' ? resolve(configuration.directory ?? '.', stateDir) : stateDir
}

/** The file's format is no setting: it is checked, and taken out. */
function withoutVersion({ value }: ConfigSource, { add }: Report): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { version, ...rest } = value as Record<string, unknown>
  const wrong = (detail: string, keys: Keys) =>
    add(new OptionsError('options/invalid', 'version', detail, { keys }))
  if (version === undefined) wrong('is required; begin the file with version: 1', [])
  else if (version !== 1) wrong('must be 1; this brxy knows no other format', ['version'])
  return rest
}

/** Defaults that depend on how the edge is started. */
function completed({ values, source }: Collected<typeof SETTINGS>, hasFile: boolean): Settings {
  return {
    ...values,
    tunnel: { ...values.tunnel, tls: tunnelTls(values, source) },
    reportCa:
      source.reportCa === 'env' && values.reportCa !== undefined ? resolve(values.reportCa) : values.reportCa,
    onExit: values.onExit ?? (hasFile ? 'keep' : 'stop'),
    ...(hasFile && source.listen === 'default'
      ? {
          listen: [{ bind: ':8080', http2: true, redirect: undefined, proxyProtocol: false, tls: undefined }],
        }
      : {}),
  }
}

/** Files that variables name are where the edge is started, not where its file is. */
function tunnelTls(
  { tunnel: { tls } }: Settings,
  source: Collected<typeof SETTINGS>['source'],
): Settings['tunnel']['tls'] {
  if (tls === undefined) return undefined
  const found = (name: string, file: string) =>
    source[`tunnel.tls.${name}`] === 'env' ? resolve(file) : file
  return {
    cert: found('cert', tls.cert),
    key: found('key', tls.key),
    clientCa: tls.clientCa === undefined ? undefined : found('clientCa', tls.clientCa),
  }
}

function optionsOf({ log: _log, requests: _requests, ...options }: Settings): EdgeConfiguration['options'] {
  return options
}

function filesOf(
  source: ConfigSource,
  { defaults, apps, listen, tunnel, reportCa }: Settings,
  directory: string,
  env: Environment,
): string[] {
  const secrets = secretsOf(source).map(({ value }) => (value as { file?: unknown } | null)?.file)
  const pages = [defaults.errorPages, ...Object.values(apps).map(({ errorPages }) => errorPages)]
  const certificates = [...listen.flatMap(({ tls }) => tls?.certs ?? []), tunnel.tls ?? {}]
  const pem = certificates.flatMap((names) => Object.values(names))
  const named = [...secrets, ...pages, ...pem, reportCa].filter((name) => typeof name === 'string')
  // A variable's name starts where the edge does, as everything that is no word of the file.
  const ofVariables = leavesOf(SETTINGS)
    .map(({ row, called }) => (row.kind === 'secret' ? env[`${called.env}_FILE`] : undefined))
    .filter((name) => name !== undefined && name !== '')
    .map((name) => resolve(name as string))
  return [
    ...new Set([resolve(source.file), ...named.map((name) => resolve(directory, name)), ...ofVariables]),
  ]
}

/** What the file says for each secret. */
function secretsOf(source: ConfigSource): { keys: Keys; value: unknown }[] {
  return leavesOf(SETTINGS)
    .filter(({ row }) => row.kind === 'secret')
    .map(({ keys }) => ({ keys, value: valueAt(source.value, keys) }))
}

/** What works, or may work, and is not what its author meant. */
interface Warning {
  readonly keys: Keys
  readonly message: string
}

function literalSecrets(source: ConfigSource): Warning[] {
  const message = 'the secret stands in the file itself; { file: PATH } or { env: NAME } keeps it out'
  return secretsOf(source)
    .filter(({ keys, value }) => typeof value === 'string' && source.written(keys) === undefined)
    .map(({ keys }) => ({ keys, message }))
}

/** Edges sign with a secret of their own unless they are told one. */
function unsharedSecret({ reportTo, secret }: Settings): Warning[] {
  if (reportTo === undefined || secret !== undefined) return []
  const message =
    'the other edge refuses reports that are signed with another secret: say the same secret: { file: PATH } in both'
  return [{ keys: ['reportTo'], message }]
}

/** With their places, in the order of the file. */
function warningsOf(source: ConfigSource, warnings: readonly Warning[]): ConfigProblem[] {
  return warnings
    .map(({ keys, message }) => ({
      file: source.file,
      ...source.position(keys, 'value'),
      path: pathOf(keys),
      message,
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column)
}

function valueAt(value: unknown, keys: Keys): unknown {
  return keys.reduce<unknown>(
    (at, key) => (at as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  )
}
