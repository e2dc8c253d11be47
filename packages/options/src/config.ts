import { withDefaults } from './defaults.ts'
import { rethrow } from './error.ts'
import { type ConfigContext, Reader } from './reader.ts'
import type { Options, OptionsInput, OptionsTable } from './row.ts'
import { WrongPlaces } from './wrong-places.ts'

export type { ConfigContext }

/**
 * Reads one section of a parsed config file (`{ hold: '50s', max: 10 }`: config keys, text with units where a unit is
 * needed). A secret is text, `{ file }` or `{ env }`. null is absent. The keys of errors start at this section.
 *
 * @throws OptionsError `options/unknown`, `options/invalid`, with the key's path
 */
export function readConfig<T extends OptionsTable>(
  table: T,
  section: unknown,
  context: ConfigContext = {},
  wrong = new WrongPlaces(),
): OptionsInput<T> {
  return new Reader(context, wrong).section(table, section, context.path ?? '', []) as OptionsInput<T>
}

/**
 * {@link readConfig}, then the defaults: for a section that only the config file can give, such as a scaler's options.
 *
 * @throws OptionsError also `options/missing`
 */
export function resolveConfig<T extends OptionsTable>(
  table: T,
  section: unknown,
  context: ConfigContext = {},
): Options<T> {
  const { path = '', onError = rethrow } = context
  const wrong = new WrongPlaces()
  const given = readConfig(table, section, context, wrong) as Record<string, unknown>
  return withDefaults(table, given, path, [], (error) => {
    if (!wrong.covers(error.keys)) onError(error)
  })
}
