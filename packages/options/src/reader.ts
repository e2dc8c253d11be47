import type { Environment } from './environment.ts'
import { joinPath, type Keys, OptionsError, quote, rethrow } from './error.ts'
import { optionKey } from './names.ts'
import { isNested, type NestedRow, type OptionsTable, type Row, type SectionsRow } from './row.ts'
import { readSecretFile } from './secret.ts'
import { asChoice, asElements, asMapping, asNames, mapEntries } from './shape.ts'
import { didYouMean } from './suggest.ts'
import { checkOption, parseOption } from './value.ts'
import type { WrongPlaces } from './wrong-places.ts'

/** Where a section of a config file stands, and what its `{ env }` secrets read. */
export interface ConfigContext {
  /** The section, for errors: `apps.shop`. Default: the top of the file. */
  readonly path?: string
  /** Default: no variables. */
  readonly env?: Environment
  /** Directory for the relative names of `{ file }` secrets. Default: the process's working directory. */
  readonly directory?: string
  /** Hears of each mistake, and the reading goes on without that value. Default: the first one is thrown. */
  readonly onError?: (error: OptionsError) => void
}

/** Walks a table and a parsed config file side by side, and turns what stands in the file into values. */
export class Reader {
  readonly #env: Environment
  readonly #directory: string | undefined
  readonly #onError: (error: OptionsError) => void
  readonly #wrong: WrongPlaces
  // A file may have 100,000 sections of the same table.
  readonly #names = new Map<OptionsTable, ReadonlyMap<string, string>>()

  /** @param wrong gets the places of what was wrong and is therefore absent from the values */
  constructor({ env = {}, directory, onError = rethrow }: ConfigContext, wrong: WrongPlaces) {
    this.#env = env
    this.#directory = directory
    this.#onError = onError
    this.#wrong = wrong
  }

  /** The options that a section gives, by name. `keys` and `path` are the way to it. */
  section(table: OptionsTable, section: unknown, path: string, keys: Keys): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    const names = this.#namesOf(table)
    const given = this.#try(keys, () => asMapping(section, path, keys)) ?? {}
    for (const [key, value] of Object.entries(given)) {
      const name = names.get(key)
      const at = joinPath(path, key)
      if (name === undefined) this.#onError(unknownKey(at, [...keys, key], key, names))
      else if (value !== undefined && value !== null) {
        const read = this.#option(table[name], value, at, [...keys, key])
        if (read !== undefined) values[name] = read
      }
    }
    return values
  }

  #namesOf(table: OptionsTable): ReadonlyMap<string, string> {
    let names = this.#names.get(table)
    if (names === undefined) {
      names = new Map(Object.entries(table).map(([name, row]) => [optionKey(name, row), name]))
      this.#names.set(table, names)
    }
    return names
  }

  /** What was read, or undefined after a mistake that is now reported. */
  #try<V>(keys: Keys, read: () => V): V | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error
      this.#wrong.add(keys)
      this.#onError(error.at(keys))
      return undefined
    }
  }

  #option(row: Row | NestedRow, value: unknown, path: string, keys: Keys): unknown {
    return this.#try(keys, () =>
      isNested(row) ? this.#nested(row, value, path, keys) : this.#plain(row, value, path, keys),
    )
  }

  #nested(row: NestedRow, value: unknown, path: string, keys: Keys): unknown {
    switch (row.kind) {
      case 'section':
        return this.section(row.table, value, path, keys)
      case 'sections':
        return asElements(row, value, path, keys).map((element, i) =>
          this.#element(row, element, joinPath(path, i), [...keys, i]),
        )
      case 'named':
        return mapEntries(asNames(row, value, path, keys, this.#onError), (element, name) =>
          this.section(row.table, element, joinPath(path, name), [...keys, name]),
        )
      case 'choice':
        return asChoice(row, value, path, keys)
      case 'choices':
        return asMapping(value, path, keys)
    }
  }

  #element({ table, shorthand }: SectionsRow, element: unknown, path: string, keys: Keys): unknown {
    if (shorthand === undefined || typeof element === 'object')
      return this.section(table, element, path, keys)
    return { [shorthand]: this.#option(table[shorthand], element, path, keys) }
  }

  #plain(row: Row, value: unknown, path: string, keys: Keys): unknown {
    if (typeof value === 'string') {
      // In a file a list has its own syntax; one text would leave open whether its commas divide.
      if (row.kind === 'strings')
        throw new OptionsError(
          'options/invalid',
          path,
          `${quote(value)} must be a list: [${value
            .trim()
            .split(/[\s,]+/)
            .join(', ')}]`,
        )
      if (row.kind === 'map') return checkOption(path, row, value)
      return parseOption(path, row, value)
    }
    if (row.kind === 'secret') return parseOption(path, row, this.#secret(path, value, keys))
    if (row.kind === 'duration') {
      if (typeof value === 'number') return parseOption(path, row, String(value))
      throw new OptionsError('options/invalid', path, `${quote(value)} must be a duration such as 50s`)
    }
    if (row.kind === 'string' || row.kind === 'enum') throw unquoted(path, value)
    if (row.kind === 'strings' && Array.isArray(value)) checkTexts(path, value.entries(), keys)
    if (row.kind === 'map' && typeof value === 'object' && value !== null && !Array.isArray(value))
      checkTexts(path, Object.entries(value), keys)
    return checkOption(path, row, value)
  }

  #secret(path: string, value: unknown, keys: Keys): string {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notASecret(path)
    const { file, env: variable, ...rest } = value as Record<string, unknown>
    const isOne = Object.keys(rest).length === 0 && (file === undefined) !== (variable === undefined)
    if (isOne && typeof file === 'string') {
      const at = joinPath(path, 'file')
      try {
        return readSecretFile(at, file, this.#directory)
      } catch (error) {
        throw error instanceof OptionsError ? error.at([...keys, 'file']) : error
      }
    }
    if (isOne && typeof variable === 'string') {
      const text = this.#env[variable]
      if (text) return text
      const detail = `the variable ${variable} is not set`
      throw new OptionsError('options/invalid', joinPath(path, 'env'), detail, { keys: [...keys, 'env'] })
    }
    throw notASecret(path)
  }
}

function unknownKey(path: string, keys: Keys, key: string, names: ReadonlyMap<string, string>): OptionsError {
  for (const [known, name] of names) {
    if (name === key) {
      const detail = `is called ${known} here; write its unit with the value`
      return new OptionsError('options/unknown', path, detail, { keys })
    }
  }
  const detail = `there is no such option${didYouMean(key, names.keys())}`
  return new OptionsError('options/unknown', path, detail, { keys })
}

// YAML reads 1.10 as a number and true as a boolean; turning them back into text would lose what was written.
function unquoted(path: string, value: unknown, keys: Keys = []): OptionsError {
  const isScalar = typeof value === 'number' || typeof value === 'boolean'
  const detail = `${quote(value)} must be a string${isScalar ? '; quote it' : ''}`
  return new OptionsError('options/invalid', path, detail, { keys })
}

function checkTexts(path: string, entries: Iterable<[string | number, unknown]>, keys: Keys): void {
  for (const [at, value] of entries)
    if (typeof value !== 'string') throw unquoted(joinPath(path, at), value, [...keys, at])
}

function notASecret(path: string): OptionsError {
  const detail = 'must be { file: PATH } or { env: NAME }, or a quoted text'
  return new OptionsError('options/invalid', path, detail)
}
