import type { NestedRow, Row } from './row.ts'

/** The names that one option has in each place where it can be written. */
export interface OptionNames {
  /** In the config file: `hold`. */
  readonly key: string
  /** On the command line without the dashes, or undefined for a row that is no flag: `hold`. */
  readonly flag: string | undefined
  /** In the environment: `BRXY_HOLD`. */
  readonly env: string
}

/** Derives an option's names: `holdMs` is `hold`, `--hold` and `BRXY_HOLD`; `maxApps` is `maxApps`, `--max-apps`, `BRXY_MAX_APPS`. */
export function optionNames(name: string, row: Row): OptionNames {
  const key = optionKey(name, row)
  const dashed = typeof row.flag === 'string' ? row.flag : dash(key)
  const env = row.env ?? `BRXY_${dashed.replaceAll('-', '_').toUpperCase()}`
  return { key, flag: row.flag === undefined || row.flag === false ? undefined : dashed, env }
}

/** The key of an option in the config file: `holdMs` is `hold`. */
export function optionKey(name: string, row: Row | NestedRow): string {
  return row.key ?? withoutUnit(name, row)
}

// Text carries its unit with it (`50s`, `64KiB`), so the unit would be said twice in names that take text.
function withoutUnit(name: string, row: Row | NestedRow): string {
  if (row.kind === 'duration') return name.replace(/(?<=.)Ms$/, '')
  if (row.kind === 'bytes') return name.replace(/(?<=.)Bytes$/, '')
  return name
}

function dash(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
