import { normalizeHost } from '@brxy/http1'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions, type Keys, leavesOf, OptionsError } from '@brxy/options'
import { type ListedOption, listOptions } from '@brxy/options/describe'
import { columns } from '../columns.ts'
import { effective } from '../config/effective.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { ConfigError, formatWarning } from '../config/problem.ts'
import { SETTINGS } from '../config/tables.ts'
import { EXIT } from '../exit-code.ts'
import { flagTexts } from '../table-flags.ts'

export const CHECK_FLAGS = defineOptions({
  route: {
    kind: 'string',
    flag: true,
    env: 'BRXY_CHECK_ROUTE',
    placeholder: 'HOST/PATH',
    doc: 'Say only which app gets a request for this address.',
  },
  file: {
    kind: 'string',
    flag: true,
    alias: 'f',
    env: 'BRXY_FILE',
    placeholder: 'FILE',
    default: 'brxy.yaml',
    doc: 'The same as the word.',
  },
  json: { kind: 'boolean', flag: true, default: false, doc: 'For programs.' },
})

/** Prints each option and where it comes from. @returns the exit code. @throws ConfigError */
export async function runCheck(
  argv: Readonly<Record<string, unknown>>,
  { env }: CommandEnvironment,
): Promise<number> {
  const { route, file, json } = collect(CHECK_FLAGS, { flags: flagTexts(CHECK_FLAGS, argv), env }).values
  const config = await loadConfig({ file, flags: {}, env }).catch((error: unknown) => {
    if (!json || !(error instanceof ConfigError)) throw error
    return error
  })
  if (config instanceof ConfigError) {
    process.stdout.write(`${JSON.stringify({ ok: false, problems: config.problems }, null, 2)}\n`)
    return EXIT.BAD_CONFIG
  }
  if (route !== undefined) return checkRoute(config, route, json)
  const options = listOptions(SETTINGS, effective(config), sourceOf(config), (keys) =>
    config.source?.written(keys),
  )
  process.stdout.write(json ? asJson(config, options) : asTable(config, file, options))
  for (const warning of config.warnings) process.stderr.write(`${formatWarning(warning)}\n`)
  return EXIT.CLEAN
}

/** `brxy.yaml:12`, `BRXY_MAX`, `defaults` for what an app inherits from there, `default`. */
function sourceOf({ source, collected }: LoadedConfig): (keys: Keys) => string {
  const variables = new Map<string, string>()
  for (const { path, keys, called } of leavesOf(SETTINGS))
    if (collected.source[path] === 'env') variables.set(keys.join('.'), called.env)
  const given = (keys: Keys): string | undefined => {
    // A variable may give a whole list.
    for (let length = keys.length; length > 0; length--) {
      const variable = variables.get(keys.slice(0, length).join('.'))
      if (variable !== undefined) return variable
    }
    if (source === null || !has(source.value, keys)) return undefined
    return `${source.file}:${source.position(keys, 'value').line}`
  }
  return (keys) => {
    const place = given(keys)
    if (place !== undefined) return place
    return keys[0] === 'apps' && given(['defaults', ...keys.slice(2)]) !== undefined ? 'defaults' : 'default'
  }
}

function has(value: unknown, keys: Keys): boolean {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Record<string | number, unknown>)[key]
  }
  return at !== null
}

function asTable(
  { settings, warnings }: LoadedConfig,
  file: string,
  options: readonly ListedOption[],
): string {
  const rows = options.map(({ path, text, source }) => [path, source, text])
  const { size: apps } = settings.apps
  const { size: routes } = settings.routes
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
  const but = warnings.length === 0 ? '' : `, with ${count(warnings.length, 'warning')}`
  return `${columns([['OPTION', 'FROM', 'VALUE'], ...rows])}\n\n${file} is good${but}: ${count(apps, 'app')}, ${count(routes, 'route')}.\n`
}

function asJson({ warnings }: LoadedConfig, options: readonly ListedOption[]): string {
  return `${JSON.stringify({ ok: true, options: options.map(({ keys: _, ...option }) => option), warnings }, null, 2)}\n`
}

/** What the edge would do with a request for an address. */
function checkRoute({ settings }: LoadedConfig, address: string, json: boolean): number {
  const [, host, target] = /^(?:https?:\/\/)?([^/]*)(\/.*)?$/.exec(address) ?? []
  const key = normalizeHost(host ?? '')
  if (key === null) {
    const detail = `"${address}" is no address; expected HOST/PATH such as shop.example.com/api`
    throw new OptionsError('options/invalid', '--route', detail)
  }
  const match = settings.routes.find(key, { target: () => target ?? '/' })
  if (match === null) {
    process.stdout.write(json ? 'null\n' : `${address}: no app, answered 404\n`)
    return EXIT.UNAVAILABLE
  }
  const { name, pattern, prefix, strip, priorityMs } = match
  const app = settings.apps.get(name)?.options.perHost === true ? key : name
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ app, configured: name, host: pattern, prefix, strip, priorityMs }, null, 2)}\n`,
    )
  } else {
    const first = priorityMs === 0 ? '' : `, ${priorityMs / 1000} s ahead of others`
    const path = `${prefix === '' ? 'every path' : `path ${prefix}`}${strip ? ', which is taken off' : ''}${first}`
    process.stdout.write(`${address}: app ${app} (apps.${name}: host ${pattern}, ${path})\n`)
  }
  return EXIT.CLEAN
}
