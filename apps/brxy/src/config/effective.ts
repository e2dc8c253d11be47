import { formatOption, optionNames } from '@brxy/options'
import { APP_OPTIONS } from '@brxy/scaler-shell'
import type { LoadedConfig, Settings } from './load.ts'

/** Options as they hold, for each app also where it says nothing. */
export function effective({ collected, settings }: LoadedConfig): Settings {
  const apps = Object.fromEntries(
    [...settings.apps].map(([name, { options }]) => [
      name,
      { ...options, scaler: withScalerDefaults(options.scaler) },
    ]),
  )
  return { ...collected.values, apps }
}

type Choice = Settings['apps'][string]['scaler']

/** Of scalers that come from elsewhere only what the file says is known. */
function withScalerDefaults(scaler: Choice): Choice {
  if (scaler?.name !== 'shell') return scaler
  return {
    name: scaler.name,
    options: { ...(scaler.options as object), ...absent(scaler.options as object) },
  }
}

/** In words of the file. */
function absent(given: object): Record<string, string> {
  return Object.fromEntries(SHELL_DEFAULTS.filter(([key]) => !Object.hasOwn(given, key)))
}

const SHELL_DEFAULTS = Object.entries(APP_OPTIONS).flatMap(([name, row]) =>
  'default' in row ? [[optionNames(name, row).key, formatOption(row, row.default as never)] as const] : [],
)
